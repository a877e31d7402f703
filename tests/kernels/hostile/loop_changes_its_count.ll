; OK
; kind ufunc int64(int64)
; NumPy's loop that writes over addresses, count and steps: they are for this call only.
define void @kernel(ptr %args, ptr %dims, ptr %steps, ptr %data) {
  store i64 -5, ptr %dims
  store ptr null, ptr %args
  store i64 1152921504606846976, ptr %steps
  ret void
}
