using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>One result of a product with BF16 activations and weights, which are rounded to BF16 where they are not of it.</summary>
internal static unsafe class BrainFormulas
{
    private const int Group = ActivationRows.Group;

    /// <summary>Pairs of k in order, the odd element first.</summary>
    public static float Dots(PanelReader weights, PackedMatrix matrix, nint x, int n)
    {
        uint sum = 0;
        for (long k = 0; k < ActivationRows.Padded(matrix.Length); k += 2)
        {
            sum = BrainArithmetic.Fma(Activation(x, k + 1), Weight(weights, n, k + 1), sum);
            sum = BrainArithmetic.Fma(Activation(x, k), Weight(weights, n, k), sum);
        }

        return BitConverter.UInt32BitsToSingle(sum);
    }

    /// <summary>Blocks of 32 in order, even and odd elements of each apart.</summary>
    public static float Tiles(PanelReader weights, PackedMatrix matrix, nint x, int n)
    {
        uint sum = 0;
        for (long block = 0; block < ActivationRows.Padded(matrix.Length); block += Group)
        {
            (uint even, uint odd) = (0, 0);
            for (long k = block; k < block + Group; k += 2)
            {
                even = BrainArithmetic.Fma(Activation(x, k), Weight(weights, n, k), even);
                odd = BrainArithmetic.Fma(Activation(x, k + 1), Weight(weights, n, k + 1), odd);
            }

            sum = BrainArithmetic.Add(sum, BrainArithmetic.Add(even, odd));
        }

        return BitConverter.UInt32BitsToSingle(sum);
    }

    private static uint Activation(nint record, long k) => (uint)((ushort*)record)[k] << 16;

    private static uint Weight(PanelReader weights, int n, long k) => (uint)ElementValues.BFloat16Bits(weights.Value(1, n, k)) << 16;
}
