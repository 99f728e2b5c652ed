"""Short versions of the functions create-order and process-order, written like public templates.

They use Powertools as documented, and boto3's `Table`. They make as many calls as our functions and have no guarantees
beyond those of Powertools. Like our functions they have no tracer.
"""
