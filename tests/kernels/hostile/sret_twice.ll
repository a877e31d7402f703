; BAD_BITCODE not valid IR
define void @kernel(ptr sret({double, double}) %r, ptr sret({double, double}) %s, double %x) {
  ret void
}
