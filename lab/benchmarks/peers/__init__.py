"""The same functions in few lines, written like public templates.

They use Powertools as documented, and boto3's `Table`. They make as many calls as ours and have no guarantees beyond
those of Powertools. Like ours they have no tracer.
"""
