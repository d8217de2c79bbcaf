"""What people call things: the role that an argument's name tells, and what a method's name promises."""

import re
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What an argument or an attribute is for."""

    X = "inputs"
    Y = "targets"
    X_VAL = "inputs to validate on"
    Y_VAL = "targets to validate on"
    PAIRS = "pairs"
    ETA = "eta"
    LMBDA = "lambda"
    N = "n"
    M = "batch size"
    EPOCHS = "epochs"
    OUTPUTS = "outputs"
    CACHE = "cache"
    GRADIENTS = "gradients"
    PARAMETERS = "parameters"
    SIZES = "sizes"
    HIDDEN = "hidden sizes"
    N_IN = "number of inputs"
    N_OUT = "number of outputs"
    N_HIDDEN = "number of hidden units"
    DEPTH = "number of hidden layers"


_WORDS = {
    Role.X: "x inputs input xbatch batchx xtrain trainx samples features xb inp inputdata inputdata images image xs "
    "inputvector inputslist inputlist trainingdata trainingset xtr example sample vector "
    "inputarray a0 xmini xdata",
    Role.Y: "y t target targets labels label ybatch batchy ytrain trainy yb expected groundtruth desired truth ytrue "
    "targetslist targetlist ys answers onehot ytr desiredoutput expectedoutput trainlabels ymini tbatch ydata",
    Role.X_VAL: "xval valx xvalid validx xtest testx xdev devx xvalidation xv",
    Role.Y_VAL: "yval valy yvalid validy ytest testy ydev devy yvalidation yv",
    Role.PAIRS: "minibatch batch pairs data batchdata examples testdata evaluationdata",
    Role.ETA: "eta lr learningrate alpha learnrate rate stepsize lrate etarate learningspeed",
    Role.LMBDA: "lmbda lambda lam lambd reg l2 weightdecay reglambda lambdareg l2reg regularization regstrength wd "
    "lamda weightdecaylambda l2lambda lambdaval regularisation ridge l2strength decayrate regparam penalty",
    Role.N: "n ntrain trainsize numtrain datasetsize trainingsize ntotal total trainingsetsize ntraining nsamples",
    Role.M: "m numexamples mtrain nexamples batchsize minibatchsize bs sizeofbatch nbatch",
    Role.EPOCHS: "epochs nepochs numepochs iterations niter numiterations iters maxiter numiters epoch steps nsteps",
    Role.OUTPUTS: "yhat ypred pred output outputs predictions prediction probs out al a2 a3 a4 afinal predicted yp "
    "proba",
    Role.CACHE: "cache caches activations memory cached forwardcache zs saved",
    Role.GRADIENTS: "grads gradients grad gradient nabla deltas derivatives dparams",
    Role.PARAMETERS: "params parameters theta p model net weights wts network",
    Role.SIZES: "sizes layers layersizes layerdims dims architecture layersdims structure shape topology nodes units "
    "neurons layout layersize dimensions layerssizes widths arch nnarchitecture nunits nodesperlayer",
    Role.HIDDEN: "hiddensizes hiddenlayers hiddendims hiddenlayersizes hiddenunitslist hiddens nhiddens "
    "hiddensizelist hiddenlist hiddenlayerslist",
    Role.N_IN: "ninput inputsize nin inputdim nfeatures indim inputnodes numinputs infeatures inputunits ninputs d nx "
    "inputlayer inputlayersize numfeatures inputneurons dimin inodes inputcount din",
    Role.N_OUT: "noutput outputsize nclasses numclasses outputdim nout outputnodes k c ny outputunits outdim noutputs "
    "numoutputs outputlayer outputlayersize outfeatures classes outputneurons dimout onodes outputcount numlabels dout",
    Role.N_HIDDEN: "nhidden hiddensize hiddendim hiddennodes h hidden hiddenunits nh hiddenlayer hiddenlayersize "
    "numhidden hiddenneurons dimhidden hnodes hiddencount units hiddenwidth dh",
    Role.DEPTH: "depth nlayers numlayers hiddenlayercount nhiddenlayers numhiddenlayers",
}
_ROLES = {word: role for role, words in reversed(_WORDS.items()) for word in words.split()}

# Arguments that change nothing of a plain step on the whole mini-batch with these values.
NEUTRAL: dict[str, Any] = {
    **dict.fromkeys(("momentum", "mu", "beta", "gamma", "l1", "l1ratio", "lambda1", "l1lambda", "decay"), 0.0),
    **dict.fromkeys(("dropout", "droprate", "pdrop", "dropoutrate", "noise", "tol", "lrdecay", "rho", "clip"), 0.0),
    **dict.fromkeys(("keepprob", "keep", "pkeep"), 1.0),
    **dict.fromkeys(("verbose", "shuffle", "plot", "debug", "printcost", "display", "log", "show", "monitor"), False),
    **dict.fromkeys(("seed", "randomseed", "randomstate", "t"), 0),
    **dict.fromkeys(("training", "train", "istraining", "istrain", "trainmode", "update"), True),
}
_ALWAYS = ("verbose", "shuffle", "plot", "debug", "printcost", "display", "show")  # even where theirs has a default

_OUTPUTS = r"feed_?forward|forward(_?(pass|prop|propagation|propagate))?|(l_?model_)?(feed_?)?forward\w*"
_OUTPUTS += r"|predict_?proba\w*|predict\w*|outputs?"
_OUTPUTS += (
    r"|propagate(_forward)?|activate|query|infer(ence)?|run|think|hypothesis|compute_outputs?|get_outputs?|fprop"
)
_OUTPUTS += r"|l?_?model_forward|probabilities|probs|apply|evaluate_network|__call__"
_STEP = r"update_?mini_?batch|(train|fit|learn|update|process)_?(on_?)?(mini_?)?(batch|sample|example|one|pair)\w*"
_STEP += (
    r"|train_?step|step|sgd_?step|training_?step|one_step|partial_?fit|learn|sgd(_update)?|gradient_?(descent|step)\w*"
)
_STEP += r"|optimi[sz]e(_step)?|backprop\w*|back_?prop\w*|backward\w*|train|fit|update(_weights|_params|_parameters)?"
_BACK = r"(l_?model_)?back\w*|(loss|cost)_grad\w*"
_BACK += r"|bprop|(compute_|calc_|get_)?grad(s|ients?)?(_\w+)?|propagate_back(ward)?s?"
_UPDATE = r"update(_\w+)?|step|sgd(_\w+)?|apply(_\w+)?|optimi[sz]e(_\w+)?|gradient_?(descent|step)\w*|descend"
_COST = (
    r"(compute_|calc(ulate)?_|get_|total_|data_|reported_)*(cost|loss)(_?(function|fn|func|value))?|evaluate|objective"
)
_COST += r"|j|mse(_loss)?|\w*cross_?entropy\w*|error|compute_error|negative_log_likelihood|nll(_loss)?|risk|log_?loss"


def plain(name: str) -> str:
    """A name without case and underscores."""
    return name.replace("_", "").lower()


def role_of(name: str, in_cost: bool = False) -> Role | None:
    """What the name of an argument tells, None for nothing. in_cost: in a cost's (a, y), a is the outputs."""
    word = plain(name)
    if word == "a":
        return Role.OUTPUTS if in_cost else Role.X
    if in_cost and word == "t":
        return Role.Y
    return _ROLES.get(word)


def constructor_role(name: str) -> Role | None:
    """What the name of a constructor's argument tells: sizes come before data."""
    word = plain(name)
    for role in (Role.SIZES, Role.HIDDEN, Role.N_IN, Role.N_OUT, Role.N_HIDDEN, Role.DEPTH):
        if word in _WORDS[role].split():
            return role
    if word in ("inputs", "input"):
        return Role.N_IN
    if word in ("outputs", "output"):
        return Role.N_OUT
    stem = word.rstrip("0123456789")
    if stem != word and (stem in _WORDS[Role.N_HIDDEN].split() or stem in ("n", "l", "hiddenlayer", "layer")):
        return Role.N_HIDDEN
    return role_of(name)


def is_set_anyway(name: str) -> bool:
    """Whether an argument is given though it has a default: what prints, draws or shuffles."""
    return plain(name) in _ALWAYS


def named_like(names: list[str], what: str) -> list[str]:
    """Those of the names that promise outputs, step, back, update or cost, likeliest first."""
    alternatives = {"outputs": _OUTPUTS, "step": _STEP, "back": _BACK, "update": _UPDATE, "cost": _COST}[what]
    found: list[str] = []
    for alternative in _split(alternatives):
        found += [name for name in names if name not in found and re.fullmatch(alternative, name.lower())]
    found += [n for n in names if n not in found and re.fullmatch(alternatives, n.strip("_").lower())]
    return found


def _split(alternatives: str) -> list[str]:
    """At the bars outside of parentheses."""
    parts, depth, start = [], 0, 0
    for k, character in enumerate(alternatives):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            parts.append(alternatives[start:k])
            start = k + 1
    return [*parts, alternatives[start:]]
