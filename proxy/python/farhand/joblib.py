"""A joblib backend: import farhand.joblib, then joblib.parallel_backend("farhand") or parallel_config(backend="farhand").

Parts of the work run on the engines of the default session, wherever Parallel is used, in scikit-learn for instance.  The engines need joblib
and the packages that the work uses.
"""
import joblib
from joblib.parallel import AutoBatchingMixin, ParallelBackendBase, SequentialBackend

from .executor import Executor


def _caller():
    """A function that travels by value: the engines need not have farhand's Python package."""
    def batch(calls):
        return calls()

    return batch


class _Job:
    def __init__(self, future):
        self.future = future

    def get(self, timeout=None):
        return self.future.result(timeout)


class FarhandBackend(AutoBatchingMixin, ParallelBackendBase):
    """options: those of fh.Executor."""

    supports_timeout = True
    supports_sharedmem = False
    uses_threads = False
    default_n_jobs = -1

    def __init__(self, nesting_level=0, inner_max_num_threads=None, **options):
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        self.options, self.executor, self.call = options, None, _caller()

    def __reduce__(self):
        """What runs inside of a part of the work runs there."""
        return SequentialBackend, ()

    def _open(self):
        if self.executor is None:
            self.executor = Executor(**self.options)
        return self.executor

    def effective_n_jobs(self, n_jobs):
        """As joblib counts: -1 are all engines."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        engines = self._open().engines
        if n_jobs is None:
            return engines
        return n_jobs if n_jobs > 0 else max(engines + 1 + n_jobs, 1)

    def configure(self, n_jobs=1, parallel=None, **ignored):
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def apply_async(self, func, callback=None):
        future = self._open().submit(self.call, func)
        if callback is not None:
            future.add_done_callback(callback)
        return _Job(future)

    submit = apply_async

    def get_nested_backend(self):
        return SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def terminate(self):
        if self.executor is not None:
            self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = None

    def abort_everything(self, ensure_ready=True):
        self.terminate()
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)


joblib.register_parallel_backend("farhand", FarhandBackend)
