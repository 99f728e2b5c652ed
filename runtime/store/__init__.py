"""The only code of ours that calls AWS; each module has one purpose. Powertools calls DynamoDB itself."""
