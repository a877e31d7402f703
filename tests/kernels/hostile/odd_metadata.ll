; OK
; Kernels noted in every odd shape beside a good one.
define i64 @kernel(i64 %x) {
  ret i64 %x
}

!farhand.kernels = !{!0, !1, !2, !3, !4, !5, !6, !7}
!0 = !{}
!1 = !{null, null, null, null}
!2 = !{i64 1, double 2.0, ptr @kernel}
!3 = !{!"", !"", !"", !"", !"", !""}
!4 = !{!4}
!5 = distinct !{!5, !4, !0}
!6 = !{!"nobody", !"int64(int64)", !"ufunc"}
!7 = !{!1, !2, !3, !4, !5, !6, !0, !0, !0, !0, !0, !0, !0, !0, !0, !0, !0, !0, !0, !0}
