"""How the numbers are made, by their names in the literature, and the literature."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.reporting.blocks import Block, Heading, Items, Paragraph
from analysis.reporting.source import Source

REFERENCES = (
    "Bradley, R. A. & Terry, M. E. (1952). Rank analysis of incomplete block designs: I. The method of paired "
    "comparisons. Biometrika 39.",
    "Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of "
    "Business & Economic Statistics 29.",
    "Cameron, A. C. & Miller, D. L. (2015). A practitioner’s guide to cluster-robust inference. Journal of Human "
    "Resources 50.",
    "Carter, A. V., Schnepel, K. T. & Steigerwald, D. G. (2017). Asymptotic behavior of a t-test robust to cluster "
    "heterogeneity. Review of Economics and Statistics 99.",
    "Davidson, R. R. (1970). On extending the Bradley–Terry model to accommodate ties in paired comparison "
    "experiments. Journal of the American Statistical Association 65.",
    "Davidson, R. R. & Beaver, R. J. (1977). On extending the Bradley–Terry model to incorporate within-pair order "
    "effects. Biometrics 33.",
    "Elo, A. E. (1978). The Rating of Chessplayers, Past and Present. Arco.",
    "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.",
    "Kish, L. (1965). Survey Sampling. Wiley.",
    "Krippendorff, K. (2011). Computing Krippendorff’s alpha-reliability. University of Pennsylvania.",
    "Mogstad, M., Romano, J. P., Shaikh, A. M. & Wilhelm, D. (2024). Inference for ranks with applications to mobility "
    "across neighbourhoods and academic achievement across countries. Review of Economic Studies 91.",
    "Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the American "
    "Statistical Association 78.",
    "Otani, M., Togashi, R., Sawai, Y., Ishigami, R., Nakashima, Y., Rahtu, E., Heikkilä, J. & Satoh, S. (2023). "
    "Toward verifiable and reproducible human evaluation for text-to-image generation. CVPR.",
    "Sauer, A., Lorenz, D., Blattmann, A. & Rombach, R. (2023). Adversarial diffusion distillation. arXiv:2311.17042.",
)
WATCHED = (
    "Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. & Ramdas, A. (2024). Time-uniform central limit theory "
    "and asymptotic confidence sequences. Annals of Statistics 52."
)
FRAGILITY = (
    "Broderick, T., Giordano, R. & Meager, R. (2020). An automatic finite-sample robustness metric: when can "
    "dropping a little data make a big difference? arXiv:2011.14999."
)


def method_blocks(source: Source) -> Iterator[Block]:
    settings = source.summary["settings"]
    yield Heading("Statistical methods")
    yield Heading("Win rate", 2)
    yield Paragraph(
        "Of a pair: the share of votes for one system, where a tie counts as half a win for each. Of a system: the "
        "mean of its win rates against each opponent. An answer of “both bad” counts in no win rate and no rating; "
        "it is reported by itself."
    )
    yield Heading("Bradley–Terry", 2)
    yield Paragraph(
        "Fitted by maximum likelihood (Bradley & Terry, 1952) with an intercept for the side on which an image stood "
        f"(Davidson & Beaver, 1977). A difference of {settings['bt_scale']:.0f} means odds of "
        f"{settings['bt_base']:.0f} to 1; the mean of all systems is {settings['bt_mean']:.0f}."
    )
    if len(source.summary["questions"]) > 1:
        yield Paragraph(
            "Over all questions a system’s rating is the mean of its ratings under each. What a vote adds to that mean "
            "is summed by prompt and by rater across the questions, which share them, before it is squared for the "
            "interval; G is that of the question which has the fewest."
        )
    yield Heading("Elo", 2)
    yield Paragraph(
        f"K = {settings['elo_k']:.0f}, everyone starts at {settings['elo_start']:.0f}, all votes played in "
        f"{settings['elo_shuffles']} random orders and the results averaged, as in Sauer et al. (2023) after Elo "
        "(1978); the headline is the mean over the questions. The order spread beside it is how much the order of "
        "votes alone moves the rating: noise of the method, not the uncertainty of the result. With few votes Elo "
        "stays near its start."
    )
    yield Heading("Intervals", 2)
    yield Paragraph(
        f"At the {settings['level']:.0%} level. Votes on one prompt resemble each other, and so do votes of one "
        "rater. Variances are therefore clustered by prompt and by rater at once: V = max(V_prompt + V_rater − "
        "V_cell, V_prompt, V_rater), each a sum of squared influences within clusters (Cameron, Gelbach & Miller, "
        "2011) with the factor for few clusters of Cameron & Miller (2015). An interval is the estimate ± t(G − 1) "
        "√V, where G is the effective number of prompts or of raters, whichever is smaller: 1 over the sum of "
        "squared shares of the votes (Kish, 1965; Carter, Schnepel & Steigerwald, 2017). Intervals speak of other "
        "prompts and other raters of the same kind. Each stands by itself: with many systems some will miss by "
        "chance, and two overlapping intervals do not show that two systems are equal."
    )
    if source.is_open:
        yield Paragraph(
            "While the study is open, intervals, ranks and p-values are those of an asymptotic confidence sequence "
            "(Waudby-Smith et al., 2024) on the same variances, tuned to the number of votes that the design plans. "
            "They hold at all times at once. The fixed-sample ones above come when the study closes."
        )
    yield from _tests()


def _tests() -> Iterator[Block]:
    yield Heading("Ranks and tests", 2)
    yield Paragraph(
        "The ranks that the votes leave open come from simultaneous intervals for all differences of Bradley–Terry "
        "ratings: all true ranks lie within their ranges at once with the stated probability (Mogstad et al., 2024). "
        "For each pair, p is that of a two-sided test that the win rate is one half, by the same variance; beside it "
        "stands p after Holm's correction (1979) for the number of pairs of the question."
    )
    yield Heading("Agreement, breakdowns, sensitivity", 2)
    yield Paragraph(
        "Agreement is the share of equal pairs of votes on one pair of images, Krippendorff's alpha for nominal "
        "answers (2011), and the share of votes that side with the majority of the others. The number of effective "
        "votes is theirs divided by the design effect (Kish, 1965). Rates within a category or challenge are pooled "
        "by empirical Bayes (Morris, 1983). Ties are also left out, or modelled (Davidson, 1970). Fragility is the "
        "number of votes, or raters, without which the first place changes (Broderick, Giordano & Meager, 2020)."
    )


def reference_blocks(source: Source) -> Iterator[Block]:
    found = [*REFERENCES, FRAGILITY, *([WATCHED] if source.is_open else [])]
    yield Heading("References")
    yield Items(tuple(sorted(found)))
