; ModuleID = 'diffuse.c'
source_filename = "diffuse.c"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

; Function Attrs: nofree norecurse nosync nounwind uwtable
define dso_local range(i32 0, 2) i32 @diffuse(ptr nocapture noundef readonly %0, i32 noundef %1) local_unnamed_addr #0 {
  %3 = getelementptr inbounds i8, ptr %0, i64 1552
  %4 = icmp eq i32 %1, 2
  br i1 %4, label %5, label %84

5:                                                ; preds = %2
  %6 = getelementptr inbounds i8, ptr %0, i64 280
  %7 = load i64, ptr %6, align 8, !tbaa !5
  %8 = icmp eq i64 %7, 8
  br i1 %8, label %9, label %84

9:                                                ; preds = %5
  %10 = getelementptr inbounds i8, ptr %0, i64 1832
  %11 = load i64, ptr %10, align 8, !tbaa !5
  %12 = icmp eq i64 %11, 8
  br i1 %12, label %13, label %84

13:                                               ; preds = %9
  %14 = getelementptr inbounds i8, ptr %0, i64 1568
  %15 = load i64, ptr %14, align 8, !tbaa !5
  %16 = icmp sgt i64 %15, 0
  br i1 %16, label %17, label %84

17:                                               ; preds = %13
  %18 = load ptr, ptr %0, align 8, !tbaa !9
  %19 = getelementptr inbounds i8, ptr %0, i64 272
  %20 = load i64, ptr %19, align 8, !tbaa !5
  %21 = getelementptr inbounds i8, ptr %0, i64 1040
  %22 = getelementptr inbounds i8, ptr %0, i64 1048
  %23 = load ptr, ptr %3, align 8, !tbaa !9
  %24 = getelementptr inbounds i8, ptr %0, i64 1824
  %25 = load i64, ptr %24, align 8, !tbaa !5
  %26 = getelementptr inbounds i8, ptr %0, i64 1576
  %27 = load i64, ptr %26, align 8, !tbaa !5
  %28 = icmp sgt i64 %27, 2
  %29 = add nsw i64 %27, -1
  br label %30

30:                                               ; preds = %17, %79
  %31 = phi i64 [ 0, %17 ], [ %43, %79 ]
  %32 = mul nsw i64 %20, %31
  %33 = getelementptr inbounds i8, ptr %18, i64 %32
  %34 = icmp eq i64 %31, 0
  br i1 %34, label %35, label %38

35:                                               ; preds = %30
  %36 = load i64, ptr %21, align 8, !tbaa !5
  %37 = icmp eq i64 %36, 0
  br i1 %37, label %41, label %38

38:                                               ; preds = %35, %30
  %39 = add nsw i64 %31, -1
  %40 = mul nsw i64 %20, %39
  br label %41

41:                                               ; preds = %35, %38
  %42 = phi i64 [ %40, %38 ], [ %32, %35 ]
  %43 = add nuw nsw i64 %31, 1
  %44 = icmp slt i64 %43, %15
  br i1 %44, label %48, label %45

45:                                               ; preds = %41
  %46 = load i64, ptr %22, align 8, !tbaa !5
  %47 = icmp eq i64 %46, 0
  br i1 %47, label %50, label %48

48:                                               ; preds = %45, %41
  %49 = mul nsw i64 %20, %43
  br label %50

50:                                               ; preds = %45, %48
  %51 = phi i64 [ %49, %48 ], [ %32, %45 ]
  %52 = mul nsw i64 %25, %31
  %53 = getelementptr inbounds i8, ptr %23, i64 %52
  tail call void @llvm.experimental.noalias.scope.decl(metadata !13)
  %54 = load double, ptr %33, align 8, !tbaa !16, !noalias !13
  store double %54, ptr %53, align 8, !tbaa !16, !alias.scope !13
  br i1 %28, label %55, label %79

55:                                               ; preds = %50
  %56 = getelementptr inbounds i8, ptr %18, i64 %51
  %57 = getelementptr inbounds i8, ptr %18, i64 %42
  br label %58

58:                                               ; preds = %55, %58
  %59 = phi i64 [ %77, %58 ], [ 2, %55 ]
  %60 = phi i64 [ %59, %58 ], [ 1, %55 ]
  %61 = getelementptr inbounds double, ptr %33, i64 %60
  %62 = load double, ptr %61, align 8, !tbaa !16, !noalias !13
  %63 = getelementptr inbounds double, ptr %57, i64 %60
  %64 = load double, ptr %63, align 8, !tbaa !16, !noalias !13
  %65 = getelementptr inbounds double, ptr %56, i64 %60
  %66 = load double, ptr %65, align 8, !tbaa !16, !noalias !13
  %67 = fadd double %64, %66
  %68 = getelementptr i8, ptr %61, i64 -8
  %69 = load double, ptr %68, align 8, !tbaa !16, !noalias !13
  %70 = fadd double %67, %69
  %71 = getelementptr inbounds double, ptr %33, i64 %59
  %72 = load double, ptr %71, align 8, !tbaa !16, !noalias !13
  %73 = fadd double %70, %72
  %74 = tail call double @llvm.fmuladd.f64(double %62, double -4.000000e+00, double %73)
  %75 = tail call double @llvm.fmuladd.f64(double %74, double 1.000000e-01, double %62)
  %76 = getelementptr inbounds double, ptr %53, i64 %60
  store double %75, ptr %76, align 8, !tbaa !16, !alias.scope !13
  %77 = add nuw nsw i64 %59, 1
  %78 = icmp eq i64 %77, %27
  br i1 %78, label %79, label %58, !llvm.loop !18

79:                                               ; preds = %58, %50
  %80 = getelementptr inbounds double, ptr %33, i64 %29
  %81 = load double, ptr %80, align 8, !tbaa !16, !noalias !13
  %82 = getelementptr inbounds double, ptr %53, i64 %29
  store double %81, ptr %82, align 8, !tbaa !16, !alias.scope !13
  %83 = icmp eq i64 %43, %15
  br i1 %83, label %84, label %30, !llvm.loop !21

84:                                               ; preds = %79, %13, %2, %5, %9
  %85 = phi i32 [ 1, %9 ], [ 1, %5 ], [ 1, %2 ], [ 0, %13 ], [ 0, %79 ]
  ret i32 %85
}

; Function Attrs: mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare double @llvm.fmuladd.f64(double, double, double) #1

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: readwrite)
declare void @llvm.experimental.noalias.scope.decl(metadata) #2

attributes #0 = { nofree norecurse nosync nounwind uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #1 = { mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: readwrite) }

!llvm.module.flags = !{!0, !1, !2, !3}
!llvm.ident = !{!4}

!0 = !{i32 1, !"wchar_size", i32 4}
!1 = !{i32 8, !"PIC Level", i32 2}
!2 = !{i32 7, !"PIE Level", i32 2}
!3 = !{i32 7, !"uwtable", i32 2}
!4 = !{!"Debian clang version 19.1.7 (3~deb12u1)"}
!5 = !{!6, !6, i64 0}
!6 = !{!"long", !7, i64 0}
!7 = !{!"omnipotent char", !8, i64 0}
!8 = !{!"Simple C/C++ TBAA"}
!9 = !{!10, !11, i64 0}
!10 = !{!"fh_array", !11, i64 0, !12, i64 8, !12, i64 12, !7, i64 16, !7, i64 272, !7, i64 528, !7, i64 784, !7, i64 1040}
!11 = !{!"any pointer", !7, i64 0}
!12 = !{!"int", !7, i64 0}
!13 = !{!14}
!14 = distinct !{!14, !15, !"diffuse_row: argument 0"}
!15 = distinct !{!15, !"diffuse_row"}
!16 = !{!17, !17, i64 0}
!17 = !{!"double", !7, i64 0}
!18 = distinct !{!18, !19, !20}
!19 = !{!"llvm.loop.mustprogress"}
!20 = !{!"llvm.loop.unroll.disable"}
!21 = distinct !{!21, !19, !20}
