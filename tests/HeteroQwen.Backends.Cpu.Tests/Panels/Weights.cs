using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>Weights of any type, [E, N, K].</summary>
internal static class Weights
{
    public static TestTensor Make(ElementType type, int experts, int n, int k) => type.IsQuantized()
        ? TestTensor.OfBlocks(type, n + k, 0.1f, experts, n, k)
        : Data.Floats(n + k, type, 0.1f, experts, n, k);
}
