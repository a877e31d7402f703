; Array kernels; fh_array as in farhand_kernel.h.
;   twice       out[i] = 2 * in[i]
;   both        out[i] = in[i] + number; about = offset of in, extent of its whole, operands
;   refuse      writes and returns 7
;   three       out[i] = in[i - 1] + in[i] + in[i + 1], as far as there are such
;   first_only  out[0] = -1, the rest is left alone
;   product     the product of two matrices

define void @twice(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 16
  %4 = load i64, ptr %3, align 8
  %5 = icmp sgt i64 %4, 0
  br i1 %5, label %6, label %14

6:
  %7 = load ptr, ptr %0, align 8
  %8 = getelementptr inbounds i8, ptr %0, i64 272
  %9 = load i64, ptr %8, align 8
  %10 = getelementptr inbounds i8, ptr %0, i64 1552
  %11 = load ptr, ptr %10, align 8
  %12 = getelementptr inbounds i8, ptr %0, i64 1824
  %13 = load i64, ptr %12, align 8
  br label %15

14:
  ret void

15:
  %16 = phi i64 [ 0, %6 ], [ %23, %15 ]
  %17 = mul i64 %9, %16
  %18 = getelementptr inbounds i8, ptr %7, i64 %17
  %19 = load double, ptr %18, align 8
  %20 = fmul double %19, 2.000000e+00
  %21 = mul i64 %13, %16
  %22 = getelementptr inbounds i8, ptr %11, i64 %21
  store double %20, ptr %22, align 8
  %23 = add i64 %16, 1
  %24 = icmp eq i64 %23, %4
  br i1 %24, label %14, label %15
}

define void @both(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 1552
  %4 = load ptr, ptr %3, align 8
  %5 = load double, ptr %4, align 8
  %6 = getelementptr inbounds i8, ptr %0, i64 16
  %7 = load i64, ptr %6, align 8
  %8 = icmp sgt i64 %7, 0
  br i1 %8, label %9, label %17

9:
  %10 = load ptr, ptr %0, align 8
  %11 = getelementptr inbounds i8, ptr %0, i64 272
  %12 = load i64, ptr %11, align 8
  %13 = getelementptr inbounds i8, ptr %0, i64 3104
  %14 = load ptr, ptr %13, align 8
  %15 = getelementptr inbounds i8, ptr %0, i64 3376
  %16 = load i64, ptr %15, align 8
  br label %27

17:
  %18 = getelementptr inbounds i8, ptr %0, i64 4656
  %19 = load ptr, ptr %18, align 8
  %20 = getelementptr inbounds i8, ptr %0, i64 528
  %21 = load i64, ptr %20, align 8
  store i64 %21, ptr %19, align 8
  %22 = getelementptr inbounds i8, ptr %0, i64 784
  %23 = load i64, ptr %22, align 8
  %24 = getelementptr inbounds i8, ptr %19, i64 8
  store i64 %23, ptr %24, align 8
  %25 = sext i32 %1 to i64
  %26 = getelementptr inbounds i8, ptr %19, i64 16
  store i64 %25, ptr %26, align 8
  ret void

27:
  %28 = phi i64 [ 0, %9 ], [ %35, %27 ]
  %29 = mul i64 %12, %28
  %30 = getelementptr inbounds i8, ptr %10, i64 %29
  %31 = load double, ptr %30, align 8
  %32 = fadd double %5, %31
  %33 = mul i64 %16, %28
  %34 = getelementptr inbounds i8, ptr %14, i64 %33
  store double %32, ptr %34, align 8
  %35 = add i64 %28, 1
  %36 = icmp eq i64 %35, %7
  br i1 %36, label %17, label %27
}

define i32 @refuse(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 1552
  %4 = load ptr, ptr %3, align 8
  store double 5.000000e+00, ptr %4, align 8
  ret i32 7
}

define void @three(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 1568
  %4 = load i64, ptr %3, align 8
  %5 = icmp sgt i64 %4, 0
  br i1 %5, label %6, label %18

6:
  %7 = getelementptr inbounds i8, ptr %0, i64 1552
  %8 = load ptr, ptr %0, align 8
  %9 = getelementptr inbounds i8, ptr %0, i64 272
  %10 = load i64, ptr %9, align 8
  %11 = getelementptr inbounds i8, ptr %0, i64 1040
  %12 = getelementptr inbounds i8, ptr %0, i64 16
  %13 = load i64, ptr %12, align 8
  %14 = getelementptr inbounds i8, ptr %0, i64 1048
  %15 = load ptr, ptr %7, align 8
  %16 = getelementptr inbounds i8, ptr %0, i64 1824
  %17 = load i64, ptr %16, align 8
  br label %19

18:
  ret void

19:
  %20 = phi i64 [ 0, %6 ], [ %36, %46 ]
  %21 = mul i64 %10, %20
  %22 = getelementptr inbounds i8, ptr %8, i64 %21
  %23 = load double, ptr %22, align 8
  %24 = icmp eq i64 %20, 0
  br i1 %24, label %25, label %28

25:
  %26 = load i64, ptr %11, align 8
  %27 = icmp sgt i64 %26, 0
  br i1 %27, label %28, label %34

28:
  %29 = add i64 %20, -1
  %30 = mul i64 %10, %29
  %31 = getelementptr inbounds i8, ptr %8, i64 %30
  %32 = load double, ptr %31, align 8
  %33 = fadd double %23, %32
  br label %34

34:
  %35 = phi double [ %33, %28 ], [ %23, %25 ]
  %36 = add i64 %20, 1
  %37 = icmp slt i64 %36, %13
  br i1 %37, label %41, label %38

38:
  %39 = load i64, ptr %14, align 8
  %40 = icmp sgt i64 %39, 0
  br i1 %40, label %41, label %46

41:
  %42 = mul i64 %10, %36
  %43 = getelementptr inbounds i8, ptr %8, i64 %42
  %44 = load double, ptr %43, align 8
  %45 = fadd double %35, %44
  br label %46

46:
  %47 = phi double [ %45, %41 ], [ %35, %38 ]
  %48 = mul i64 %17, %20
  %49 = getelementptr inbounds i8, ptr %15, i64 %48
  store double %47, ptr %49, align 8
  %50 = icmp eq i64 %36, %4
  br i1 %50, label %18, label %19
}

define void @first_only(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 1552
  %4 = load ptr, ptr %3, align 8
  store double -1.000000e+00, ptr %4, align 8
  ret void
}

define void @product(ptr %0, i32 %1) {
  %3 = getelementptr inbounds i8, ptr %0, i64 16
  %4 = load i64, ptr %3, align 8
  %5 = icmp sgt i64 %4, 0
  br i1 %5, label %6, label %29

6:
  %7 = getelementptr inbounds i8, ptr %0, i64 1552
  %8 = getelementptr inbounds i8, ptr %0, i64 1576
  %9 = load i64, ptr %8, align 8
  %10 = icmp sgt i64 %9, 0
  %11 = getelementptr inbounds i8, ptr %0, i64 24
  %12 = getelementptr inbounds i8, ptr %0, i64 272
  %13 = getelementptr inbounds i8, ptr %0, i64 280
  %14 = getelementptr inbounds i8, ptr %0, i64 1824
  %15 = getelementptr inbounds i8, ptr %0, i64 1832
  %16 = getelementptr inbounds i8, ptr %0, i64 3104
  %17 = getelementptr inbounds i8, ptr %0, i64 3376
  %18 = getelementptr inbounds i8, ptr %0, i64 3384
  br label %19

19:
  %20 = phi i64 [ 0, %6 ], [ %44, %43 ]
  br i1 %10, label %21, label %43

21:
  %22 = load i64, ptr %11, align 8
  %23 = icmp sgt i64 %22, 0
  %24 = load ptr, ptr %16, align 8
  %25 = load i64, ptr %17, align 8
  %26 = mul i64 %25, %20
  %27 = getelementptr inbounds i8, ptr %24, i64 %26
  %28 = load i64, ptr %18, align 8
  br label %30

29:
  ret void

30:
  %31 = phi i64 [ 0, %21 ], [ %50, %46 ]
  br i1 %23, label %32, label %46

32:
  %33 = load ptr, ptr %0, align 8
  %34 = load i64, ptr %12, align 8
  %35 = mul i64 %34, %20
  %36 = getelementptr inbounds i8, ptr %33, i64 %35
  %37 = load i64, ptr %13, align 8
  %38 = load ptr, ptr %7, align 8
  %39 = load i64, ptr %14, align 8
  %40 = load i64, ptr %15, align 8
  %41 = mul i64 %40, %31
  %42 = getelementptr i8, ptr %38, i64 %41
  br label %52

43:
  %44 = add i64 %20, 1
  %45 = icmp eq i64 %44, %4
  br i1 %45, label %29, label %19

46:
  %47 = phi double [ 0.000000e+00, %30 ], [ %61, %52 ]
  %48 = mul i64 %28, %31
  %49 = getelementptr inbounds i8, ptr %27, i64 %48
  store double %47, ptr %49, align 8
  %50 = add i64 %31, 1
  %51 = icmp eq i64 %50, %9
  br i1 %51, label %43, label %30

52:
  %53 = phi i64 [ 0, %32 ], [ %62, %52 ]
  %54 = phi double [ 0.000000e+00, %32 ], [ %61, %52 ]
  %55 = mul i64 %37, %53
  %56 = getelementptr inbounds i8, ptr %36, i64 %55
  %57 = load double, ptr %56, align 8
  %58 = mul i64 %39, %53
  %59 = getelementptr i8, ptr %42, i64 %58
  %60 = load double, ptr %59, align 8
  %61 = call double @llvm.fmuladd.f64(double %57, double %60, double %54)
  %62 = add i64 %53, 1
  %63 = icmp eq i64 %62, %22
  br i1 %63, label %46, label %52
}

declare double @llvm.fmuladd.f64(double, double, double) #2

