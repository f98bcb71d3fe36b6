"""What can be read from vectors: probes, their data, their regimen and their controls."""
