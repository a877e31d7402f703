; KERNEL_FAULT SIGSEGV
; kind ufunc int64(int64)
; NumPy's loop whose data pointer is nothing here.
define void @kernel(ptr %args, ptr %dims, ptr %steps, ptr %data) {
  %v = load volatile i64, ptr %data
  ret void
}
