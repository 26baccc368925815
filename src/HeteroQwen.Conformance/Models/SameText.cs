namespace HeteroQwen.Conformance;

/// <summary>When two texts count as the same.</summary>
internal static class SameText
{
    /// <summary>In exact, two right implementations may part where the two best logits are nearer than this.</summary>
    public const double ExactMargin = 0.001;
}
