; BAD_BITCODE exceptions
declare i32 @__gcc_personality_v0(...)
declare double @exp(double)

define double @kernel(double %x) personality ptr @__gcc_personality_v0 {
  %v = invoke double @exp(double %x) to label %good unwind label %bad
good:
  ret double %v
bad:
  %e = landingpad { ptr, i32 } cleanup
  ret double 0.0
}
