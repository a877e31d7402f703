; ModuleID = 'client.c'
source_filename = "client.c"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@mean_state_bytes = dso_local local_unnamed_addr constant i64 24, align 8

; Function Attrs: nofree norecurse nosync nounwind memory(readwrite, inaccessiblemem: none) uwtable
define dso_local i32 @window(ptr nocapture noundef readonly %args, i32 noundef %nargs) local_unnamed_addr #0 {
entry:
  %arrayidx1 = getelementptr inbounds i8, ptr %args, i64 1552
  %arrayidx2 = getelementptr inbounds i8, ptr %args, i64 6208
  %arrayidx3 = getelementptr inbounds i8, ptr %args, i64 7760
  %cmp.not = icmp eq i32 %nargs, 6
  br i1 %cmp.not, label %lor.lhs.false, label %cleanup78

lor.lhs.false:                                    ; preds = %entry
  %ndim = getelementptr inbounds i8, ptr %args, i64 12
  %0 = load i32, ptr %ndim, align 4, !tbaa !5
  %cmp4.not = icmp eq i32 %0, 2
  br i1 %cmp4.not, label %lor.lhs.false5, label %cleanup78

lor.lhs.false5:                                   ; preds = %lor.lhs.false
  %ndim6 = getelementptr inbounds i8, ptr %args, i64 1564
  %1 = load i32, ptr %ndim6, align 4, !tbaa !5
  %cmp7.not = icmp eq i32 %1, 2
  br i1 %cmp7.not, label %if.end, label %cleanup78

if.end:                                           ; preds = %lor.lhs.false5
  %shape = getelementptr inbounds i8, ptr %args, i64 16
  %2 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp12171 = icmp sgt i64 %2, 0
  br i1 %cmp12171, label %for.cond13.preheader.lr.ph, label %cleanup78

for.cond13.preheader.lr.ph:                       ; preds = %if.end
  %arrayidx8 = getelementptr inbounds i8, ptr %args, i64 3104
  %3 = load ptr, ptr %arrayidx8, align 8, !tbaa !13
  %4 = load i64, ptr %3, align 8, !tbaa !11
  %arrayidx9 = getelementptr inbounds i8, ptr %args, i64 4656
  %5 = load ptr, ptr %arrayidx9, align 8, !tbaa !13
  %6 = load i64, ptr %5, align 8, !tbaa !11
  %arrayidx15 = getelementptr inbounds i8, ptr %args, i64 24
  %strides.i = getelementptr inbounds i8, ptr %args, i64 1824
  %arrayidx2.i = getelementptr inbounds i8, ptr %args, i64 1832
  %tobool.not = icmp eq i64 %6, 0
  %sub = sub nsw i64 0, %4
  %cmp20.not161 = icmp slt i64 %4, 0
  %offset = getelementptr inbounds i8, ptr %args, i64 528
  %arrayidx23 = getelementptr inbounds [32 x i64], ptr %offset, i64 0, i64 %6
  %whole = getelementptr inbounds i8, ptr %args, i64 784
  %arrayidx27 = getelementptr inbounds [32 x i64], ptr %whole, i64 0, i64 %6
  %halo = getelementptr inbounds i8, ptr %args, i64 1040
  %arrayidx31 = getelementptr inbounds [32 x [2 x i64]], ptr %halo, i64 0, i64 %6
  %arrayidx37 = getelementptr inbounds [32 x i64], ptr %shape, i64 0, i64 %6
  %arrayidx40 = getelementptr inbounds i8, ptr %arrayidx31, i64 8
  %add45 = add i64 %4, 1
  %strides.i149 = getelementptr inbounds i8, ptr %args, i64 6480
  %arrayidx2.i152 = getelementptr inbounds i8, ptr %args, i64 6488
  %offset58 = getelementptr inbounds i8, ptr %args, i64 6736
  %arrayidx59 = getelementptr inbounds [32 x i64], ptr %offset58, i64 0, i64 %6
  %strides.i155 = getelementptr inbounds i8, ptr %args, i64 8032
  %arrayidx2.i158 = getelementptr inbounds i8, ptr %args, i64 8040
  %strides.i143.strides.i137 = getelementptr inbounds i8, ptr %args, i64 272
  %arrayidx2.i146.arrayidx2.i140 = getelementptr inbounds i8, ptr %args, i64 280
  br label %for.cond13.preheader

for.cond:                                         ; preds = %cleanup68
  %inc72 = add nuw nsw i64 %i.0172, 1
  %7 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp12 = icmp slt i64 %inc72, %7
  br i1 %cmp12, label %for.cond13.preheader, label %cleanup73.loopexit, !llvm.loop !14

for.cond13.preheader:                             ; preds = %for.cond13.preheader.lr.ph, %for.cond
  %i.0172 = phi i64 [ 0, %for.cond13.preheader.lr.ph ], [ %inc72, %for.cond ]
  %8 = load i64, ptr %arrayidx15, align 8, !tbaa !11
  %cmp16167 = icmp sgt i64 %8, 0
  br i1 %cmp16167, label %for.body18.lr.ph, label %cleanup68

for.body18.lr.ph:                                 ; preds = %for.cond13.preheader
  %9 = load ptr, ptr %arrayidx1, align 8, !tbaa !13
  br label %for.body18

for.cond13:                                       ; preds = %cleanup62
  %inc67 = add nuw nsw i64 %k.0168, 1
  %10 = load i64, ptr %arrayidx15, align 8, !tbaa !11
  %cmp16 = icmp slt i64 %inc67, %10
  br i1 %cmp16, label %for.body18, label %cleanup68, !llvm.loop !17

for.body18:                                       ; preds = %for.body18.lr.ph, %for.cond13
  %k.0168 = phi i64 [ 0, %for.body18.lr.ph ], [ %inc67, %for.cond13 ]
  %11 = load i64, ptr %strides.i, align 8, !tbaa !11
  %mul.i = mul nsw i64 %11, %i.0172
  %add.ptr.i = getelementptr inbounds i8, ptr %9, i64 %mul.i
  %12 = load i64, ptr %arrayidx2.i, align 8, !tbaa !11
  %mul3.i = mul nsw i64 %12, %k.0168
  %add.ptr4.i = getelementptr inbounds i8, ptr %add.ptr.i, i64 %mul3.i
  %13 = load double, ptr %add.ptr4.i, align 8, !tbaa !18
  %cond = select i1 %tobool.not, i64 %i.0172, i64 %k.0168
  br i1 %cmp20.not161, label %cleanup55, label %for.body22.lr.ph

for.body22.lr.ph:                                 ; preds = %for.body18
  %14 = load i64, ptr %arrayidx23, align 8, !tbaa !11
  br label %for.body22

for.body22:                                       ; preds = %for.body22.lr.ph, %for.inc
  %d.0163 = phi i64 [ %sub, %for.body22.lr.ph ], [ %inc, %for.inc ]
  %sum.0162 = phi double [ %13, %for.body22.lr.ph ], [ %sum.1, %for.inc ]
  %add = add nsw i64 %d.0163, %cond
  %add24 = add nsw i64 %14, %add
  %cmp25 = icmp slt i64 %add24, 0
  br i1 %cmp25, label %cleanup, label %lor.lhs.false26

lor.lhs.false26:                                  ; preds = %for.body22
  %15 = load i64, ptr %arrayidx27, align 8, !tbaa !11
  %cmp28.not = icmp slt i64 %add24, %15
  br i1 %cmp28.not, label %if.end30, label %cleanup

if.end30:                                         ; preds = %lor.lhs.false26
  %16 = load i64, ptr %arrayidx31, align 8, !tbaa !11
  %sub33 = sub nsw i64 0, %16
  %cmp34 = icmp slt i64 %add, %sub33
  br i1 %cmp34, label %cleanup, label %lor.lhs.false35

lor.lhs.false35:                                  ; preds = %if.end30
  %17 = load i64, ptr %arrayidx37, align 8, !tbaa !11
  %18 = load i64, ptr %arrayidx40, align 8, !tbaa !11
  %add41 = add nsw i64 %18, %17
  %cmp42.not = icmp slt i64 %add, %add41
  br i1 %cmp42.not, label %if.end44, label %cleanup

if.end44:                                         ; preds = %lor.lhs.false35
  %add46 = add i64 %add45, %d.0163
  %conv = sitofp i64 %add46 to double
  %19 = load ptr, ptr %args, align 8, !tbaa !13
  %add.i.0172 = select i1 %tobool.not, i64 %add, i64 %i.0172
  %k.0168.add = select i1 %tobool.not, i64 %k.0168, i64 %add
  %20 = load i64, ptr %strides.i143.strides.i137, align 8, !tbaa !11
  %mul.i144 = mul nsw i64 %20, %add.i.0172
  %add.ptr.i145 = getelementptr inbounds i8, ptr %19, i64 %mul.i144
  %21 = load i64, ptr %arrayidx2.i146.arrayidx2.i140, align 8, !tbaa !11
  %mul3.i147 = mul nsw i64 %21, %k.0168.add
  %add.ptr4.i148 = getelementptr inbounds i8, ptr %add.ptr.i145, i64 %mul3.i147
  %22 = load double, ptr %add.ptr4.i148, align 8, !tbaa !18
  %23 = tail call double @llvm.fmuladd.f64(double %conv, double %22, double %sum.0162)
  br label %cleanup

cleanup:                                          ; preds = %if.end30, %lor.lhs.false35, %for.body22, %lor.lhs.false26, %if.end44
  %sum.1 = phi double [ %23, %if.end44 ], [ %sum.0162, %lor.lhs.false26 ], [ %sum.0162, %for.body22 ], [ %sum.0162, %lor.lhs.false35 ], [ %sum.0162, %if.end30 ]
  %cleanup.dest.slot.0 = phi i32 [ 0, %if.end44 ], [ 10, %lor.lhs.false26 ], [ 10, %for.body22 ], [ 1, %lor.lhs.false35 ], [ 1, %if.end30 ]
  switch i32 %cleanup.dest.slot.0, label %cleanup55 [
    i32 0, label %for.inc
    i32 10, label %for.inc
  ]

for.inc:                                          ; preds = %cleanup, %cleanup
  %inc = add i64 %d.0163, 1
  %exitcond.not = icmp eq i64 %d.0163, %4
  br i1 %exitcond.not, label %cleanup55, label %for.body22, !llvm.loop !20

cleanup55:                                        ; preds = %cleanup, %for.inc, %for.body18
  %sum.2 = phi double [ %13, %for.body18 ], [ %sum.1, %for.inc ], [ %sum.1, %cleanup ]
  %cleanup.dest.slot.1 = phi i32 [ 8, %for.body18 ], [ %cleanup.dest.slot.0, %cleanup ], [ 8, %for.inc ]
  %cond84 = icmp eq i32 %cleanup.dest.slot.1, 8
  br i1 %cond84, label %for.end, label %cleanup62

for.end:                                          ; preds = %cleanup55
  %24 = load ptr, ptr %arrayidx2, align 8, !tbaa !13
  %25 = load i64, ptr %strides.i149, align 8, !tbaa !11
  %mul.i150 = mul nsw i64 %25, %i.0172
  %add.ptr.i151 = getelementptr inbounds i8, ptr %24, i64 %mul.i150
  %26 = load i64, ptr %arrayidx2.i152, align 8, !tbaa !11
  %mul3.i153 = mul nsw i64 %26, %k.0168
  %add.ptr4.i154 = getelementptr inbounds i8, ptr %add.ptr.i151, i64 %mul3.i153
  store double %sum.2, ptr %add.ptr4.i154, align 8, !tbaa !18
  %27 = load i64, ptr %arrayidx59, align 8, !tbaa !11
  %add60 = add nsw i64 %27, %cond
  %28 = load ptr, ptr %arrayidx3, align 8, !tbaa !13
  %29 = load i64, ptr %strides.i155, align 8, !tbaa !11
  %mul.i156 = mul nsw i64 %29, %i.0172
  %add.ptr.i157 = getelementptr inbounds i8, ptr %28, i64 %mul.i156
  %30 = load i64, ptr %arrayidx2.i158, align 8, !tbaa !11
  %mul3.i159 = mul nsw i64 %30, %k.0168
  %add.ptr4.i160 = getelementptr inbounds i8, ptr %add.ptr.i157, i64 %mul3.i159
  store i64 %add60, ptr %add.ptr4.i160, align 8, !tbaa !11
  br label %cleanup62

cleanup62:                                        ; preds = %cleanup55, %for.end
  %cleanup.dest.slot.2 = phi i32 [ 0, %for.end ], [ %cleanup.dest.slot.1, %cleanup55 ]
  %cond85 = icmp eq i32 %cleanup.dest.slot.2, 0
  br i1 %cond85, label %for.cond13, label %cleanup68

cleanup68:                                        ; preds = %cleanup62, %for.cond13, %for.cond13.preheader
  %cleanup.dest.slot.3 = phi i32 [ 5, %for.cond13.preheader ], [ %cleanup.dest.slot.2, %cleanup62 ], [ 5, %for.cond13 ]
  %cond83 = icmp eq i32 %cleanup.dest.slot.3, 5
  br i1 %cond83, label %for.cond, label %cleanup73.loopexit

cleanup73.loopexit:                               ; preds = %for.cond, %cleanup68
  %cleanup.dest.slot.4.ph = phi i32 [ %cleanup.dest.slot.3, %cleanup68 ], [ 2, %for.cond ]
  %31 = icmp eq i32 %cleanup.dest.slot.4.ph, 2
  %32 = select i1 %31, i32 0, i32 7
  br label %cleanup78

cleanup78:                                        ; preds = %if.end, %cleanup73.loopexit, %entry, %lor.lhs.false, %lor.lhs.false5
  %retval.8 = phi i32 [ 8, %lor.lhs.false5 ], [ 8, %lor.lhs.false ], [ 8, %entry ], [ 0, %if.end ], [ %32, %cleanup73.loopexit ]
  ret i32 %retval.8
}

; Function Attrs: mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare double @llvm.fmuladd.f64(double, double, double) #1

; Function Attrs: nofree norecurse nosync nounwind memory(readwrite, inaccessiblemem: none) uwtable
define dso_local range(i32 0, 9) i32 @piece_total(ptr nocapture noundef readonly %args, i32 noundef %nargs) local_unnamed_addr #0 {
entry:
  %cmp.not = icmp eq i32 %nargs, 2
  br i1 %cmp.not, label %lor.lhs.false, label %cleanup

lor.lhs.false:                                    ; preds = %entry
  %arrayidx = getelementptr inbounds i8, ptr %args, i64 1552
  %shape = getelementptr inbounds i8, ptr %args, i64 1568
  %0 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp2.not = icmp eq i64 %0, 1
  br i1 %cmp2.not, label %for.cond.preheader, label %cleanup

for.cond.preheader:                               ; preds = %lor.lhs.false
  %shape4 = getelementptr inbounds i8, ptr %args, i64 16
  %1 = load i64, ptr %shape4, align 8, !tbaa !11
  %cmp615 = icmp sgt i64 %1, 0
  br i1 %cmp615, label %for.body.lr.ph, label %for.cond.cleanup

for.body.lr.ph:                                   ; preds = %for.cond.preheader
  %2 = load ptr, ptr %args, align 8, !tbaa !13
  %strides.i = getelementptr inbounds i8, ptr %args, i64 272
  %3 = load i64, ptr %strides.i, align 8, !tbaa !11
  br label %for.body

for.cond.cleanup:                                 ; preds = %for.body, %for.cond.preheader
  %sum.0.lcssa = phi double [ 0.000000e+00, %for.cond.preheader ], [ %add, %for.body ]
  %4 = load ptr, ptr %arrayidx, align 8, !tbaa !13
  store double %sum.0.lcssa, ptr %4, align 8, !tbaa !18
  br label %cleanup

for.body:                                         ; preds = %for.body.lr.ph, %for.body
  %i.017 = phi i64 [ 0, %for.body.lr.ph ], [ %inc, %for.body ]
  %sum.016 = phi double [ 0.000000e+00, %for.body.lr.ph ], [ %add, %for.body ]
  %mul.i = mul nsw i64 %3, %i.017
  %add.ptr.i = getelementptr inbounds i8, ptr %2, i64 %mul.i
  %5 = load double, ptr %add.ptr.i, align 8, !tbaa !18
  %add = fadd double %sum.016, %5
  %inc = add nuw nsw i64 %i.017, 1
  %exitcond.not = icmp eq i64 %inc, %1
  br i1 %exitcond.not, label %for.cond.cleanup, label %for.body, !llvm.loop !21

cleanup:                                          ; preds = %entry, %lor.lhs.false, %for.cond.cleanup
  %retval.0 = phi i32 [ 0, %for.cond.cleanup ], [ 8, %lor.lhs.false ], [ 8, %entry ]
  ret i32 %retval.0
}

; Function Attrs: nofree norecurse nosync nounwind memory(write, argmem: readwrite, inaccessiblemem: none) uwtable
define dso_local void @number(ptr nocapture noundef readonly %args, i32 noundef %nargs) local_unnamed_addr #2 {
entry:
  %shape = getelementptr inbounds i8, ptr %args, i64 16
  %cmp2 = icmp eq i32 %nargs, 1
  %0 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp11 = icmp sgt i64 %0, 0
  %1 = and i1 %cmp2, %cmp11
  br i1 %1, label %for.body.lr.ph, label %for.cond.cleanup

for.body.lr.ph:                                   ; preds = %entry
  %offset = getelementptr inbounds i8, ptr %args, i64 528
  %2 = load ptr, ptr %args, align 8, !tbaa !13
  %strides.i = getelementptr inbounds i8, ptr %args, i64 272
  br label %for.body

for.cond.cleanup:                                 ; preds = %for.body, %entry
  ret void

for.body:                                         ; preds = %for.body.lr.ph, %for.body
  %i.012 = phi i64 [ 0, %for.body.lr.ph ], [ %inc, %for.body ]
  %3 = load i64, ptr %offset, align 8, !tbaa !11
  %add = add nsw i64 %3, %i.012
  %4 = load i64, ptr %strides.i, align 8, !tbaa !11
  %mul.i = mul nsw i64 %4, %i.012
  %add.ptr.i = getelementptr inbounds i8, ptr %2, i64 %mul.i
  store i64 %add, ptr %add.ptr.i, align 8, !tbaa !11
  %inc = add nuw nsw i64 %i.012, 1
  %5 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp = icmp slt i64 %inc, %5
  %6 = and i1 %cmp2, %cmp
  br i1 %6, label %for.body, label %for.cond.cleanup, !llvm.loop !22
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable
define dso_local noundef range(i32 0, 4) i32 @refuse(ptr nocapture noundef readnone %args, i32 noundef %nargs) local_unnamed_addr #3 {
entry:
  %cmp = icmp sgt i32 %nargs, 0
  %cond = select i1 %cmp, i32 3, i32 0
  ret i32 %cond
}

; Function Attrs: nofree norecurse nosync nounwind memory(readwrite, inaccessiblemem: none) uwtable
define dso_local void @matmul(ptr nocapture noundef readonly %args, i32 noundef %nargs) local_unnamed_addr #0 {
entry:
  %arrayidx1 = getelementptr inbounds i8, ptr %args, i64 1552
  %arrayidx2 = getelementptr inbounds i8, ptr %args, i64 3104
  %shape = getelementptr inbounds i8, ptr %args, i64 3120
  %0 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp4 = icmp eq i32 %nargs, 3
  %cmp57 = icmp sgt i64 %0, 0
  %1 = and i1 %cmp4, %cmp57
  br i1 %1, label %for.cond5.preheader.lr.ph, label %for.cond.cleanup

for.cond5.preheader.lr.ph:                        ; preds = %entry
  %arrayidx7 = getelementptr inbounds i8, ptr %args, i64 3128
  %2 = load i64, ptr %arrayidx7, align 8, !tbaa !11
  %cmp855 = icmp sgt i64 %2, 0
  %arrayidx13 = getelementptr inbounds i8, ptr %args, i64 24
  %strides.i40 = getelementptr inbounds i8, ptr %args, i64 272
  %arrayidx2.i43 = getelementptr inbounds i8, ptr %args, i64 280
  %strides.i46 = getelementptr inbounds i8, ptr %args, i64 1824
  %arrayidx2.i49 = getelementptr inbounds i8, ptr %args, i64 1832
  %strides.i = getelementptr inbounds i8, ptr %args, i64 3376
  %arrayidx2.i = getelementptr inbounds i8, ptr %args, i64 3384
  br label %for.cond5.preheader

for.cond5.preheader:                              ; preds = %for.cond5.preheader.lr.ph, %for.cond.cleanup9
  %m.058 = phi i64 [ 0, %for.cond5.preheader.lr.ph ], [ %inc23, %for.cond.cleanup9 ]
  br i1 %cmp855, label %for.cond11.preheader.lr.ph, label %for.cond.cleanup9

for.cond11.preheader.lr.ph:                       ; preds = %for.cond5.preheader
  %3 = load i64, ptr %arrayidx13, align 8, !tbaa !11
  %cmp1452 = icmp sgt i64 %3, 0
  %4 = load ptr, ptr %arrayidx2, align 8, !tbaa !13
  %5 = load i64, ptr %strides.i, align 8, !tbaa !11
  %mul.i = mul nsw i64 %5, %m.058
  %add.ptr.i = getelementptr inbounds i8, ptr %4, i64 %mul.i
  %6 = load i64, ptr %arrayidx2.i, align 8, !tbaa !11
  br label %for.cond11.preheader

for.cond.cleanup:                                 ; preds = %for.cond.cleanup9, %entry
  ret void

for.cond11.preheader:                             ; preds = %for.cond11.preheader.lr.ph, %for.cond.cleanup15
  %n.056 = phi i64 [ 0, %for.cond11.preheader.lr.ph ], [ %inc20, %for.cond.cleanup15 ]
  br i1 %cmp1452, label %for.body16.lr.ph, label %for.cond.cleanup15

for.body16.lr.ph:                                 ; preds = %for.cond11.preheader
  %7 = load ptr, ptr %args, align 8, !tbaa !13
  %8 = load i64, ptr %strides.i40, align 8, !tbaa !11
  %mul.i41 = mul nsw i64 %8, %m.058
  %add.ptr.i42 = getelementptr inbounds i8, ptr %7, i64 %mul.i41
  %9 = load i64, ptr %arrayidx2.i43, align 8, !tbaa !11
  %10 = load ptr, ptr %arrayidx1, align 8, !tbaa !13
  %11 = load i64, ptr %strides.i46, align 8, !tbaa !11
  %12 = load i64, ptr %arrayidx2.i49, align 8, !tbaa !11
  %mul3.i50 = mul nsw i64 %12, %n.056
  %invariant.gep = getelementptr i8, ptr %10, i64 %mul3.i50
  br label %for.body16

for.cond.cleanup9:                                ; preds = %for.cond.cleanup15, %for.cond5.preheader
  %inc23 = add nuw nsw i64 %m.058, 1
  %cmp = icmp slt i64 %inc23, %0
  %13 = and i1 %cmp4, %cmp
  br i1 %13, label %for.cond5.preheader, label %for.cond.cleanup, !llvm.loop !23

for.cond.cleanup15:                               ; preds = %for.body16, %for.cond11.preheader
  %sum.0.lcssa = phi double [ 0.000000e+00, %for.cond11.preheader ], [ %16, %for.body16 ]
  %mul3.i = mul nsw i64 %6, %n.056
  %add.ptr4.i = getelementptr inbounds i8, ptr %add.ptr.i, i64 %mul3.i
  store double %sum.0.lcssa, ptr %add.ptr4.i, align 8, !tbaa !18
  %inc20 = add nuw nsw i64 %n.056, 1
  %exitcond59.not = icmp eq i64 %inc20, %2
  br i1 %exitcond59.not, label %for.cond.cleanup9, label %for.cond11.preheader, !llvm.loop !24

for.body16:                                       ; preds = %for.body16.lr.ph, %for.body16
  %k.054 = phi i64 [ 0, %for.body16.lr.ph ], [ %inc, %for.body16 ]
  %sum.053 = phi double [ 0.000000e+00, %for.body16.lr.ph ], [ %16, %for.body16 ]
  %mul3.i44 = mul nsw i64 %9, %k.054
  %add.ptr4.i45 = getelementptr inbounds i8, ptr %add.ptr.i42, i64 %mul3.i44
  %14 = load double, ptr %add.ptr4.i45, align 8, !tbaa !18
  %mul.i47 = mul nsw i64 %11, %k.054
  %gep = getelementptr i8, ptr %invariant.gep, i64 %mul.i47
  %15 = load double, ptr %gep, align 8, !tbaa !18
  %16 = tail call double @llvm.fmuladd.f64(double %14, double %15, double %sum.053)
  %inc = add nuw nsw i64 %k.054, 1
  %exitcond.not = icmp eq i64 %inc, %3
  br i1 %exitcond.not, label %for.cond.cleanup15, label %for.body16, !llvm.loop !25
}

; Function Attrs: nofree norecurse nosync nounwind memory(readwrite, inaccessiblemem: none) uwtable
define dso_local void @range(ptr nocapture noundef readonly %args, i32 noundef %nargs) local_unnamed_addr #0 {
entry:
  %0 = load ptr, ptr %args, align 8, !tbaa !13
  %1 = load double, ptr %0, align 8, !tbaa !18
  %shape = getelementptr inbounds i8, ptr %args, i64 16
  %2 = load i64, ptr %shape, align 8, !tbaa !11
  %cmp2 = icmp eq i32 %nargs, 3
  %cmp27 = icmp sgt i64 %2, 1
  %3 = and i1 %cmp2, %cmp27
  br i1 %3, label %for.body.lr.ph, label %for.cond.cleanup

for.body.lr.ph:                                   ; preds = %entry
  %strides.i = getelementptr inbounds i8, ptr %args, i64 272
  %4 = load i64, ptr %strides.i, align 8, !tbaa !11
  br label %for.body

for.cond.cleanup:                                 ; preds = %for.body, %entry
  %high.0.lcssa = phi double [ %1, %entry ], [ %cond8, %for.body ]
  %low.0.lcssa = phi double [ %1, %entry ], [ %cond, %for.body ]
  %arrayidx9 = getelementptr inbounds i8, ptr %args, i64 1552
  %5 = load ptr, ptr %arrayidx9, align 8, !tbaa !13
  store double %low.0.lcssa, ptr %5, align 8, !tbaa !18
  %arrayidx11 = getelementptr inbounds i8, ptr %args, i64 3104
  %6 = load ptr, ptr %arrayidx11, align 8, !tbaa !13
  store double %high.0.lcssa, ptr %6, align 8, !tbaa !18
  ret void

for.body:                                         ; preds = %for.body.lr.ph, %for.body
  %low.030 = phi double [ %1, %for.body.lr.ph ], [ %cond, %for.body ]
  %i.029 = phi i64 [ 1, %for.body.lr.ph ], [ %inc, %for.body ]
  %high.028 = phi double [ %1, %for.body.lr.ph ], [ %cond8, %for.body ]
  %mul.i = mul nsw i64 %4, %i.029
  %add.ptr.i = getelementptr inbounds i8, ptr %0, i64 %mul.i
  %7 = load double, ptr %add.ptr.i, align 8, !tbaa !18
  %cmp3 = fcmp olt double %7, %low.030
  %cond = select i1 %cmp3, double %7, double %low.030
  %cmp4 = fcmp ogt double %7, %high.028
  %cond8 = select i1 %cmp4, double %7, double %high.028
  %inc = add nuw nsw i64 %i.029, 1
  %cmp = icmp slt i64 %inc, %2
  %8 = and i1 %cmp2, %cmp
  br i1 %8, label %for.body, label %for.cond.cleanup, !llvm.loop !26
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable
define dso_local noundef double @plus(double noundef %x, double noundef %y) local_unnamed_addr #3 {
entry:
  %add = fadd double %x, %y
  ret double %add
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable
define dso_local noundef double @adding_init() local_unnamed_addr #3 {
entry:
  ret double 0.000000e+00
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable
define dso_local noundef double @adding_step(double noundef %state, double noundef %x) local_unnamed_addr #3 {
entry:
  %add = fadd double %state, %x
  ret double %add
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: write) uwtable
define dso_local void @mean_init(ptr nocapture noundef writeonly %self) local_unnamed_addr #4 {
entry:
  tail call void @llvm.memset.p0.i64(ptr noundef nonnull align 8 dereferenceable(24) %self, i8 0, i64 24, i1 false)
  ret void
}

; Function Attrs: mustprogress nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #5

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: readwrite) uwtable
define dso_local void @mean_step(ptr nocapture noundef %self, double noundef %x, double noundef %weight) local_unnamed_addr #6 {
entry:
  %0 = load double, ptr %self, align 8, !tbaa !27
  %1 = tail call double @llvm.fmuladd.f64(double %x, double %weight, double %0)
  store double %1, ptr %self, align 8, !tbaa !27
  %weight1 = getelementptr inbounds i8, ptr %self, i64 8
  %2 = load double, ptr %weight1, align 8, !tbaa !29
  %add = fadd double %2, %weight
  store double %add, ptr %weight1, align 8, !tbaa !29
  %count = getelementptr inbounds i8, ptr %self, i64 16
  %3 = load i64, ptr %count, align 8, !tbaa !30
  %inc = add nsw i64 %3, 1
  store i64 %inc, ptr %count, align 8, !tbaa !30
  ret void
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: readwrite) uwtable
define dso_local void @mean_combine(ptr nocapture noundef %into, ptr nocapture noundef readonly %from) local_unnamed_addr #6 {
entry:
  %0 = load double, ptr %from, align 8, !tbaa !27
  %1 = load double, ptr %into, align 8, !tbaa !27
  %add = fadd double %0, %1
  store double %add, ptr %into, align 8, !tbaa !27
  %weight = getelementptr inbounds i8, ptr %from, i64 8
  %2 = load double, ptr %weight, align 8, !tbaa !29
  %weight2 = getelementptr inbounds i8, ptr %into, i64 8
  %3 = load double, ptr %weight2, align 8, !tbaa !29
  %add3 = fadd double %2, %3
  store double %add3, ptr %weight2, align 8, !tbaa !29
  %count = getelementptr inbounds i8, ptr %from, i64 16
  %4 = load i64, ptr %count, align 8, !tbaa !30
  %count4 = getelementptr inbounds i8, ptr %into, i64 16
  %5 = load i64, ptr %count4, align 8, !tbaa !30
  %add5 = add nsw i64 %5, %4
  store i64 %add5, ptr %count4, align 8, !tbaa !30
  ret void
}

; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: read) uwtable
define dso_local double @mean_finish(ptr nocapture noundef readonly %self) local_unnamed_addr #7 {
entry:
  %0 = load double, ptr %self, align 8, !tbaa !27
  %weight = getelementptr inbounds i8, ptr %self, i64 8
  %1 = load double, ptr %weight, align 8, !tbaa !29
  %div = fdiv double %0, %1
  %count = getelementptr inbounds i8, ptr %self, i64 16
  %2 = load i64, ptr %count, align 8, !tbaa !30
  %conv = sitofp i64 %2 to double
  %add = fadd double %div, %conv
  ret double %add
}

attributes #0 = { nofree norecurse nosync nounwind memory(readwrite, inaccessiblemem: none) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #1 = { mustprogress nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nofree norecurse nosync nounwind memory(write, argmem: readwrite, inaccessiblemem: none) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #3 = { mustprogress nofree norecurse nosync nounwind willreturn memory(none) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #4 = { mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: write) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #5 = { mustprogress nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #6 = { mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: readwrite) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
attributes #7 = { mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: read) uwtable "min-legal-vector-width"="0" "no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" "target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }

!llvm.module.flags = !{!0, !1, !2, !3}
!llvm.ident = !{!4}

!0 = !{i32 1, !"wchar_size", i32 4}
!1 = !{i32 8, !"PIC Level", i32 2}
!2 = !{i32 7, !"PIE Level", i32 2}
!3 = !{i32 7, !"uwtable", i32 2}
!4 = !{!"Debian clang version 19.1.7 (3~deb12u1)"}
!5 = !{!6, !10, i64 12}
!6 = !{!"fh_array", !7, i64 0, !10, i64 8, !10, i64 12, !8, i64 16, !8, i64 272, !8, i64 528, !8, i64 784, !8, i64 1040}
!7 = !{!"any pointer", !8, i64 0}
!8 = !{!"omnipotent char", !9, i64 0}
!9 = !{!"Simple C/C++ TBAA"}
!10 = !{!"int", !8, i64 0}
!11 = !{!12, !12, i64 0}
!12 = !{!"long", !8, i64 0}
!13 = !{!6, !7, i64 0}
!14 = distinct !{!14, !15, !16}
!15 = !{!"llvm.loop.mustprogress"}
!16 = !{!"llvm.loop.unroll.disable"}
!17 = distinct !{!17, !15, !16}
!18 = !{!19, !19, i64 0}
!19 = !{!"double", !8, i64 0}
!20 = distinct !{!20, !15, !16}
!21 = distinct !{!21, !15, !16}
!22 = distinct !{!22, !15, !16}
!23 = distinct !{!23, !15, !16}
!24 = distinct !{!24, !15, !16}
!25 = distinct !{!25, !15, !16}
!26 = distinct !{!26, !15, !16}
!27 = !{!28, !19, i64 0}
!28 = !{!"", !19, i64 0, !19, i64 8, !12, i64 16}
!29 = !{!28, !19, i64 8}
!30 = !{!28, !12, i64 16}
