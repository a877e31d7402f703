; Numbers in, a number out; and a piece kernel.
;   add2   a + b
;   scale  out[i] = 3 * in[i]

define double @add2(double %a, double %b) {
  %c = fadd double %a, %b
  ret double %c
}

define void @scale(ptr %in, ptr %out, i64 %n) {
entry:
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %end

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %p = getelementptr double, ptr %in, i64 %i
  %v = load double, ptr %p
  %w = fmul double %v, 3.0
  %q = getelementptr double, ptr %out, i64 %i
  store double %w, ptr %q
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end

end:
  ret void
}
