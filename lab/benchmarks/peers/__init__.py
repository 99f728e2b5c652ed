"""The functions create-order and process-order once more, in few lines and written like public templates.

They use Powertools as documented, and boto3's `Table`. They make as many calls as our functions and have no guarantees
beyond those of Powertools. Like our functions they have no tracer.
"""
