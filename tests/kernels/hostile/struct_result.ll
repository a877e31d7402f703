; OK
define { double, double } @kernel(double %x) {
  %r = insertvalue { double, double } undef, double %x, 0
  ret { double, double } %r
}
