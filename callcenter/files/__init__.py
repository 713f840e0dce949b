"""Office files: what comes in by CSV and XLSX, and what goes out."""
