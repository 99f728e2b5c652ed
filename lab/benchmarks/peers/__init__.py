"""The same functions in few lines, as public templates have them: Powertools as documented, boto3's `Table`.

As many calls as ours, and none of the guarantees beyond Powertools' own. No tracer: ours has none.
"""
