"""Event-driven orders: an API that accepts orders at once, a queue, a worker, and notifications of the outcomes."""

from pipeline.config import load_config
from pipeline.data import build_data
from pipeline.edge import build_api
from pipeline.encryption import encrypted
from pipeline.functions import FunctionInputs, build_functions
from pipeline.messaging import build_messaging
from pipeline.operations import build_operations
from pipeline.outputs import export_outputs
from pipeline.platform import function_platform, stack_scope

# `load_config` refuses a wrong configuration before the first resource is registered.
config = load_config()
scope = encrypted(config, stack_scope(config))
platform = function_platform(config, scope)

data = build_data(config, scope)
messaging = build_messaging(config, scope)
functions = build_functions(FunctionInputs(config, scope, data, messaging), platform)
api = build_api(config, scope, functions)
operations = build_operations(config, scope, data, messaging, functions, api)

export_outputs(data, messaging, functions, api, operations)
