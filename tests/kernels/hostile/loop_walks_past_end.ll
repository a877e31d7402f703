; KERNEL_FAULT SIGSEGV
; kind ufunc int64(int64)
; NumPy's loop that never looks at its count.
define void @kernel(ptr %args, ptr %dims, ptr %steps, ptr %data) {
  %second = getelementptr ptr, ptr %args, i64 1
  %out = load ptr, ptr %second
  br label %loop
loop:
  %p = phi ptr [ %out, %0 ], [ %q, %loop ]
  store volatile i64 1, ptr %p
  %q = getelementptr i64, ptr %p, i64 1
  br label %loop
}
