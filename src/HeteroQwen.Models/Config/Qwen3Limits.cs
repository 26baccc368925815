namespace HeteroQwen.Models;

/// <summary>The largest sizes of a model, wherever it is read from: far above any model, and so small that products fit a long.</summary>
internal static class Qwen3Limits
{
    public const int Size = 1 << 20;
    public const int Hidden = 1 << 17;
    public const int Layers = 1000;
    public const int Heads = 4096;
    public const int HeadDim = 4096;
    public const int Vocabulary = 1 << 24;
    public const int Experts = 4096;
    public const double RopeFactor = 1024;

    /// <summary>log(theta) divides in YaRN, and a theta of 1 would turn every dimension alike.</summary>
    public const double LeastTheta = 1.001;
    public const double Theta = 1e15;
}
