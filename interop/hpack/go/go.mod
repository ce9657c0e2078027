module tristream.example/interop/hpack

go 1.24.0

require golang.org/x/net v0.44.0
