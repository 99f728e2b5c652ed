// Shows the API's contract. "Try it out" sends requests to this stack.
import { KEY_HEADER, key } from "./key.js";

window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger",
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (new URL(request.url, location.href).origin === location.origin) request.headers[KEY_HEADER] = key;
    return request;
  },
});
