; KERNEL_FAULT SIGSEGV
; kind array void(int64[:], int64[:])
; An array kernel that writes 64 MiB behind its output.
%fh_array = type { ptr, i32, i32, [32 x i64], [32 x i64], [32 x i64], [32 x i64], [32 x [2 x i64]] }

define void @kernel(ptr %args, i32 %n) {
  %out = getelementptr %fh_array, ptr %args, i64 1
  %data = load ptr, ptr %out
  %far = getelementptr i8, ptr %data, i64 67108864
  br label %loop
loop:
  %p = phi ptr [ %far, %0 ], [ %q, %loop ]
  store volatile i8 1, ptr %p
  %q = getelementptr i8, ptr %p, i64 4096
  br label %loop
}
