"""Places that are URLs (s3://, https:// ...): local copies of them, and results sent there."""
