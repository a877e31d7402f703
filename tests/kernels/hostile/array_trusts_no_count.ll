; KERNEL_FAULT SIGSEGV
; kind array void(int64[:], int64[:])
; An array kernel that takes operands for granted which it did not get, as far as there is memory.
%fh_array = type { ptr, i32, i32, [32 x i64], [32 x i64], [32 x i64], [32 x i64], [32 x [2 x i64]] }

define void @kernel(ptr %args, i32 %n) {
  br label %loop
loop:
  %i = phi i64 [ 2, %0 ], [ %next, %loop ]
  %out = getelementptr %fh_array, ptr %args, i64 %i
  %old = load volatile i64, ptr %out
  %next = add i64 %i, 1
  br label %loop
}
