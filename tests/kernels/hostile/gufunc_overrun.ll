; KERNEL_FAULT SIGSEGV
; kind gufunc void(float64[:], float64)
; A gufunc that reads on where its core dimension has ended.
%fh_array = type { ptr, i32, i32, [32 x i64], [32 x i64], [32 x i64], [32 x i64], [32 x [2 x i64]] }

define void @kernel(ptr %args, i32 %n) {
  %data = load ptr, ptr %args
  br label %loop
loop:
  %p = phi ptr [ %data, %0 ], [ %q, %loop ]
  %v = load volatile double, ptr %p
  %q = getelementptr double, ptr %p, i64 1
  br label %loop
}

!farhand.kernels = !{!0}
!0 = !{!"kernel", !"void(float64[:], float64)", !"gufunc", !"(n)->()"}
