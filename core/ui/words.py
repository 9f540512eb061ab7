"""What the pages explain: a glossary for people who never heard the words, and one sentence for each setting."""

from core.text import N_, _

GLOSSARY = {
    "label": (
        N_("Class"),
        N_(
            "One of the things that the network should tell apart, such as “ant” and “bee”. "
            "Every picture belongs to one class."
        ),
    ),
    "split": (
        N_("Training and validation"),
        N_(
            "Most pictures are for practice (training). Some are held back (validation): the network never practises "
            "on them, so they tell honestly how it does on something new. Pictures for a last check are called test."
        ),
    ),
    "backbone": (
        N_("Backbone"),
        N_(
            "A network that has already learned to see from a great many pictures: edges and colours first, then "
            "textures, then parts of things. Headstart reuses it, which is why a few dozen of your pictures are enough."
        ),
    ),
    "freezing": (
        N_("Freezing"),
        N_(
            "Frozen layers keep what they have learned and do not change. The more is frozen, the faster the training "
            "and the fewer pictures are needed; the less, the more the network can adapt to pictures unlike "
            "everyday photos."
        ),
    ),
    "head": (
        N_("Head"),
        N_(
            "The small new part at the end. It takes what the backbone sees and learns to decide between your classes. "
            "It is always trained."
        ),
    ),
    "parameter": (
        N_("Parameter"),
        N_("One number inside the network. Training changes the trainable ones little by little; frozen ones stay."),
    ),
    "layer": (N_("Layer"), N_("One step of computing. A network is a chain of layers, grouped into stages.")),
    "imagenet": (
        N_("ImageNet and Tiny ImageNet"),
        N_(
            "ImageNet is a collection of more than a million photos of 1,000 kinds of things, from which most networks "
            "here learned to see. Tiny ImageNet is a small part of it: 100,000 pictures of 200 kinds, each no larger "
            "than a thumbnail. A share that is right on the one cannot be compared with a share on the other, and a "
            "network that is better there is often, not always, better with your pictures."
        ),
    ),
    "validation": (
        N_("Validation"),
        N_(
            "Some of your pictures are held back: the network never practises on them. How often it names them rightly "
            "tells how it will do on something new; how often in training tells only what it remembers."
        ),
    ),
    "batch": (
        N_("Batch"),
        N_("The few pictures that the network looks at before it changes a little. An epoch is made of many batches."),
    ),
    "fine_tuning": (
        N_("Fine-tuning"),
        N_(
            "The second part of a training, in which some of the backbone is no longer frozen and adapts to your "
            "pictures in small steps."
        ),
    ),
    "kept_epoch": (
        N_("Kept epoch"),
        N_(
            "An epoch is one round of practice. The one with the lowest loss in validation is kept: its network is "
            "the one that you get, even when another epoch was right a little more often."
        ),
    ),
    "epoch": (N_("Epoch"), N_("One round of practice in which every training picture is seen once.")),
    "loss": (
        N_("Loss"),
        N_("How wrong the network is, as one number. Training makes it small; 0 would be certain and always right."),
    ),
    "accuracy": (N_("Accuracy"), N_("The share of pictures for which the network names the right class.")),
    "overfitting": (
        N_("Learning by heart"),
        N_(
            "When the loss on the training pictures keeps falling but on the validation pictures rises again, the "
            "network learns single pictures by heart instead of what they have in common. Early stopping ends it there."
        ),
    ),
    "precision": (
        N_("Precision"),
        N_("When the network says “bee”: how often is it one?"),
    ),
    "recall": (N_("Recall"), N_("Of all the bees: how many did the network find?")),
    "confusion": (
        N_("Confusion matrix"),
        N_(
            "A table of what is in the picture against what the network said. Everything off the diagonal is a mistake."
        ),
    ),
    "interval": (
        N_("Probable range"),
        N_(
            "Measured on few pictures, an accuracy is partly luck. The true one most probably lies in this range: "
            "measured again and again on other pictures, 95 of 100 such ranges would hold it."
        ),
    ),
    "probability": (
        N_("Probability"),
        N_(
            "How sure the network is of each class; all classes together make 100 %. It always picks one of the "
            "classes it knows, even when shown something else."
        ),
    ),
}

SETTINGS = {
    "epochs": (
        N_("Epochs"),
        N_("How many rounds of practice at most; each round shows every training picture once."),
    ),
    "learning_rate": (
        N_("Learning rate"),
        N_(
            "How big the steps are in which the network changes: too big and it jumps past the goal, too small and it "
            "crawls."
        ),
    ),
    "fine_tune_epochs": (
        N_("Epochs of fine-tuning"),
        N_("Further rounds in which the part that is not frozen learns too, after the head has found its feet."),
    ),
    "fine_tune_learning_rate": (
        N_("Learning rate of fine-tuning"),
        N_("Much smaller than the first, so that what the backbone knows is refined and not wiped out."),
    ),
    "batch_size": (
        N_("Batch size"),
        N_("How many pictures the network looks at before it takes one step; more is steadier and needs more memory."),
    ),
    "optimizer": (
        N_("Optimizer"),
        N_("The rule that turns mistakes into changes; Adam is a good choice when you are not sure."),
    ),
    "loss": (
        N_("Loss"),
        N_(
            "How mistakes are counted; the plain one is right for most, the others help with wrong labels or rare "
            "classes."
        ),
    ),
    "validation_share": (
        N_("Held back for validation"),
        N_("The share of your pictures that the network never practises on, so that they can test it honestly."),
    ),
    "test_share": (
        N_("Kept for a last test"),
        N_(
            "The share of your pictures that is looked at only once, when the training is over. Leave it at 0 when you "
            "have few pictures, or a test folder of your own."
        ),
    ),
    "augmentation": (
        N_("Variation"),
        N_("Turn, shift and mirror training pictures a little at random, so that few pictures teach like many."),
    ),
    "views": (
        N_("Variations kept per picture"),
        N_(
            "How many variations of each picture the frozen part looks at once and remembers; each epoch practises on "
            "another of them. 0 makes new ones in every epoch, which takes longer."
        ),
    ),
    "patience": (
        N_("Early stopping"),
        N_(
            "Stop when the validation loss has not improved for this many epochs; 0 runs them all. The best epoch is "
            "kept."
        ),
    ),
    "class_weights": (
        N_("Balance the classes"),
        N_("Let a class with few pictures count as much as one with many."),
    ),
    "seed": (
        N_("Seed"),
        N_("The starting number for all that is random: the same seed gives the same split and order again."),
    ),
}

CHOICES = {
    "adam": N_("Adam"),
    "sgd": N_("SGD with momentum"),
    "rmsprop": N_("RMSprop"),
    "categorical_crossentropy": N_("Cross-entropy (plain)"),
    "label_smoothing": N_("Cross-entropy with softened labels"),
    "focal": N_("Focal loss (for rare classes)"),
    "none": N_("None"),
    "light": N_("Light"),
    "strong": N_("Strong"),
}

HEAD = {
    "kind": (
        N_("How the backbone's answer is gathered"),
        N_(
            "The backbone answers with a grid of numbers for places in the picture. The average of each kind of number "
            "is small and robust; keeping all of them remembers where things are, at the price of many parameters."
        ),
    ),
    "normalize": (
        N_("Even out the numbers first"),
        N_("Brings the averaged numbers to a common scale, so that the head learns faster (batch normalisation)."),
    ),
    "hidden_units": (
        N_("Extra hidden layer"),
        N_("An additional layer of this many neurons lets the head combine what it sees; 0 for none."),
    ),
    "dropout": (
        N_("Dropout"),
        N_(
            "Hide this share of the numbers at random while training, so that the head does not rely on any single one."
        ),
    ),
}

SPEEDS = {"fast": N_("fast"), "medium": N_("medium speed"), "slow": N_("slow")}

SPLITS = {"train": N_("training"), "validation": N_("validation"), "test": N_("test")}

# What a setting says of itself explains its word, too.
GLOSSARY |= {"learning_rate": SETTINGS["learning_rate"], "dropout": HEAD["dropout"]}


def meaning(name: str) -> str:
    """Returns what a word of the glossary means, in the reader's language."""
    return _(GLOSSARY[name][1])
