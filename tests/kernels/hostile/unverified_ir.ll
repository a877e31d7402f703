; BAD_BITCODE not valid IR
define double @kernel(double %x) {
entry:
  br i1 true, label %one, label %two
one:
  %y = fadd double %x, 1.0
  br label %two
two:
  ret double %y
}
