"""One module per AWS service: Pulumi resource types mapped to API calls."""
