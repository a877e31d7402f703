; BAD_BITCODE naked
define double @kernel(double %x) naked {
  unreachable
}
