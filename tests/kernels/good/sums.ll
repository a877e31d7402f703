; Reductions.
;   total    by value, complete
;   largest  a step only
;   mean     weighted, behind a pointer

@mean_state_bytes = constant i64 16, align 8

define double @total_init() {
  ret double 0.000000e+00
}

define double @total_step(double %0, double %1) {
  %3 = fadd double %0, %1
  ret double %3
}

define double @total_combine(double %0, double %1) {
  %3 = fadd double %0, %1
  ret double %3
}

define double @total_finish(double %0) {
  ret double %0
}

define double @largest_step(double %0, double %1) {
  %3 = fcmp ogt double %0, %1
  %4 = select i1 %3, double %0, double %1
  ret double %4
}

define void @mean_init(ptr %0) {
  call void @llvm.memset.p0.i64(ptr align 8 %0, i8 0, i64 16, i1 false)
  ret void
}

define void @mean_step(ptr %0, double %1, double %2) {
  %4 = load double, ptr %0, align 8
  %5 = call double @llvm.fmuladd.f64(double %1, double %2, double %4)
  store double %5, ptr %0, align 8
  %6 = getelementptr inbounds i8, ptr %0, i64 8
  %7 = load double, ptr %6, align 8
  %8 = fadd double %7, %2
  store double %8, ptr %6, align 8
  ret void
}

declare double @llvm.fmuladd.f64(double, double, double) #3

define void @mean_combine(ptr %0, ptr %1) {
  %3 = load double, ptr %1, align 8
  %4 = load double, ptr %0, align 8
  %5 = fadd double %3, %4
  store double %5, ptr %0, align 8
  %6 = getelementptr inbounds i8, ptr %1, i64 8
  %7 = load double, ptr %6, align 8
  %8 = getelementptr inbounds i8, ptr %0, i64 8
  %9 = load double, ptr %8, align 8
  %10 = fadd double %7, %9
  store double %10, ptr %8, align 8
  ret void
}

define double @mean_finish(ptr %0) {
  %2 = load double, ptr %0, align 8
  %3 = getelementptr inbounds i8, ptr %0, i64 8
  %4 = load double, ptr %3, align 8
  %5 = fdiv double %2, %4
  ret double %5
}

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1 immarg) #5

