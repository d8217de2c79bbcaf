"""Arrays of the module are the parameters; its functions change them."""

import numpy as np

np.random.seed(1)

input_size = 4
hidden_size = 5
output_size = 1

weights_hidden = np.random.rand(input_size, hidden_size) - 0.5
weights_output = np.random.rand(hidden_size, output_size) - 0.5
bias_hidden = np.random.rand(1, hidden_size)
bias_output = np.random.rand(1, output_size)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train(X, y, epochs, learning_rate):
    global weights_hidden, weights_output, bias_hidden, bias_output
    for _ in range(epochs):
        hidden = sigmoid(X @ weights_hidden + bias_hidden)
        predicted = sigmoid(hidden @ weights_output + bias_output)
        d_output = (y - predicted) * predicted * (1 - predicted) / len(X)
        d_hidden = (d_output @ weights_output.T) * hidden * (1 - hidden)
        weights_output += learning_rate * hidden.T @ d_output
        bias_output = bias_output + learning_rate * np.sum(d_output, axis=0, keepdims=True)
        weights_hidden += learning_rate * X.T @ d_hidden
        bias_hidden += learning_rate * np.sum(d_hidden, axis=0, keepdims=True)


def predict(X):
    return sigmoid(sigmoid(X @ weights_hidden + bias_hidden) @ weights_output + bias_output)


X = np.array([[0, 0, 1, 0], [0, 1, 1, 1]])
train(X, np.array([[0], [1]]), 60000, 0.1)
print(predict(X))
