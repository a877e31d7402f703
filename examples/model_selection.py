"""scikit-learn's search for parameters, its parts computed by the engines of the cluster that "farhand up" has started.  Needs python3-sklearn."""
import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import farhand as fh
import farhand.joblib  # noqa: F401  makes "farhand" known to joblib

x, y = load_digits(return_X_y=True)
with fh.connect():
    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": [1e-4, 1e-3]}, cv=3)
    with joblib.parallel_backend("farhand"):
        search.fit(x, y)
print(f"best {search.best_params_}: {search.best_score_:.3f} of the digits are read right")
