module tristream.example/interop/probes

go 1.24.0
