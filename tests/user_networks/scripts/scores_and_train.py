"""The same with a training that wants examples to validate on, and draws its mini-batches."""

import numpy as np
from scores import TwoLayerNet as Scores


class TwoLayerNet(Scores):
    def train(self, X, y, X_val, y_val, learning_rate=1e-3, reg=1e-5, num_iters=100, batch_size=200, verbose=False):
        history = []
        for _ in range(num_iters):
            chosen = np.random.choice(len(X), batch_size, replace=True)
            loss, grads = self.loss(X[chosen], y[chosen], reg)
            for name in self.params:
                self.params[name] -= learning_rate * grads[name]
            history.append((loss, np.mean(self.predict(X_val) == y_val)))
            if verbose:
                print(history[-1])
        return history
