// Owns the explanations of warnings.
#include "report/explain.h"

#include <string.h>

#include "result/warnings.h"

// clang-format off
static const igd_explanation explanations[] = {
    {IGD_WARN_RANDOMISED, "The classifier answers differently each time",
     "Equal images get unequal logits. An attack that looks at one answer aims at noise, and a "
     "lucky draw can pass for robustness: accuracies under plain attacks are too high.",
     "Attack with the noise averaged out (autoattack-rand, apgd-eot), and read the accuracies "
     "by the majority and by any of several draws beside the first."},
    {IGD_WARN_DYNAMIC, "The classifier optimises while it answers",
     "Its forward pass takes gradients of its own. Attacks that differentiate through it see a "
     "part of what happens at best.",
     "Use an adaptive attack that is made for this defense; transferred and black-box attacks "
     "give a bound."},
    {IGD_WARN_PROBABILITIES, "The model gives probabilities, not logits",
     "Behind a softmax the gradient vanishes where the model is sure, so gradient attacks fail "
     "there without the image being robust.",
     "Export the model without its last softmax."},
    {IGD_WARN_BATCH_DEPENDENT, "Images influence each other",
     "The logits of an image depend on the images beside it in the batch, as with batch "
     "statistics at test time. The numbers hold for this batch size and order only.",
     "Put the model into evaluation mode before exporting it, or report the batch size."},
    {IGD_WARN_NOT_DIFFERENTIABLE, "No gradient reaches the images",
     "Something in the model stops the gradient, such as rounding. Gradient attacks say nothing "
     "here, whatever accuracy they leave.",
     "Rely on square, rays and transferred attacks, or replace the step by a differentiable one "
     "for the attack."},
    {IGD_WARN_FEW_CLASSES, "Too few classes for an attack",
     "Losses such as DLR compare three or more classes, and targeted attacks need as many other "
     "classes as targets.",
     "Lower the number of targets, or use cross-entropy."},
    {IGD_WARN_NO_SATURATION, "More steps still fool more images",
     "The same attack with twice the steps lowers the accuracy further: the reported accuracy is "
     "not yet the attack\xe2\x80\x99s limit.",
     "Raise the steps until the accuracy no longer falls."},
    {IGD_WARN_HUGE_RADIUS, "Images survive a radius that nothing can survive",
     "At a radius at which any image can become any other, accuracy must be zero. What is left "
     "shows that the attack fails for another reason than robustness: usually a hidden gradient.",
     "Trust none of the gradient attacks here; use adaptive and black-box ones."},
    {IGD_WARN_ZERO_GRADIENTS, "Gradients are exactly zero",
     "Where the loss has no slope at all, as behind a saturated softmax, the attack does not "
     "know where to go.",
     "Attack with another loss (DLR, margin), from another start, or without the part that hides "
     "the gradient."},
    {IGD_WARN_STALLED, "The loss never rose at the start",
     "In the first window of steps not one step raised the loss. Either the image is at its worst "
     "already or the gradient points nowhere.",
     "Try another loss, more restarts or a smaller step; compare with square."},
    {IGD_WARN_NOT_FINITE, "Logits or gradients were not numbers",
     "Overflow or a division by zero in the model. Such images count as robust, which flatters it.",
     "Find the layer that overflows, often an exponential or a normalisation."},
    {IGD_WARN_UNVERIFIED, "Adversarial images that did not hold",
     "The attack saw these images misclassified; judged again, they were classified correctly, and "
     "count as robust. A randomised classifier does that.",
     "Read the accuracies over several draws, and attack with the noise averaged out."},
    {IGD_WARN_OUTSIDE, "Images left the allowed region",
     "An attack returned images outside the ball or outside [0, 1]. They do not count as fooled.",
     "A few are rounding; many are a fault worth reporting."},
    {IGD_WARN_BLACK_BOX, "An attack without gradients does better",
     "A black-box attack knows less than a gradient attack and should not beat it. Where it does, "
     "robustness against gradients comes from hidden gradients.",
     "Take all attacks together, not the gradient attack, as the result, and look for what hides the "
     "gradient."},
    {IGD_WARN_TRANSFER, "Images made for another model do better",
     "Adversarial images of the base model fool the defended model more often than those made on "
     "itself: its own gradients mislead.",
     "Take all attacks together as the result; adaptive attacks (surrogate:, joint:) may find more."},
    {IGD_WARN_PLANTED, "An attack misses what is certainly there",
     "On copies of the classifier in which an image is known to have an adversarial point, the "
     "attack does not find one. Something in the model, often a hidden or vanishing gradient, "
     "defeats the attack without making the images robust.",
     "Believe none of its accuracies; attack with other losses, without gradients, or through a "
     "differentiable stand-in for what hides the gradient."},
    {IGD_WARN_AUDIT, "A shortcut changed a verdict",
     "Some images were attacked again without igdef\xe2\x80\x99s shortcuts and ended differently.",
     "Repeat the evaluation with --no-shortcuts, and report the case."},
    {IGD_WARN_NOT_REPEATABLE, "The model draws random numbers of its own",
     "No seed of igdef decides about them, so the same command may find other flags.",
     "Export the model without its noise and let igdef smooth it, or repeat the run and report "
     "how much the accuracy moves."},
    {IGD_WARN_SEEN, "The images may have been seen before",
     "The images that a setting was chosen on include images that the ranking was made on. What is "
     "measured there looks better than on new images.",
     "Choose on images that the ranking has not seen: --first and --count say which."},
    {IGD_WARN_CHANCE, "Clean accuracy near guessing",
     "A model that is hardly better than chance on unattacked images was not trained on images "
     "like these, or they reach it in another form: another normalisation, order of classes or "
     "size. What attacks do to it says nothing.",
     "Look with igdef inspect --data, and check which class is which number."},
    {IGD_WARN_CLASS_ORDER, "Numbers in names have another order than bytes",
     "Classes are numbered, and images paired with labels that have no names, in byte order of "
     "names, in which 10 comes before 2. Where they were meant in the order of numbers, most labels "
     "are wrong.",
     "Take classes in the order of numbers, --class-order numeric, and write name and label of each "
     "image."},
    {IGD_WARN_ONE_CLASS, "All images are of one class",
     "There is one class folder, and nothing says which of the model\xe2\x80\x99s classes it is. "
     "It was taken for the first.",
     "Say which class it is with --classes."},
};
// clang-format on

static const igd_explanation unknown = {
    "", "A warning that this igdef does not know",
    "It was given by another version; its text says what was seen.",
    "See the manual of the version that made the file."};

const igd_explanation *igd_explain(const char *id)
{
    for (size_t k = 0; k < sizeof(explanations) / sizeof(explanations[0]); k++)
        if (strcmp(explanations[k].id, id) == 0)
            return &explanations[k];
    return &unknown;
}
