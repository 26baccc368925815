using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>
/// Operands of the BF16 kernels with seeded contents: two packed panels and rows of activations. Some elements are zero, subnormal or so
/// small and large that products and sums pass the smallest normal.
/// </summary>
internal sealed unsafe class BrainCase : IDisposable
{
    public const int Columns = 2 * PanelLayout.Columns;

    private readonly long _length;
    private readonly long _panelBytes;
    private readonly OperandBlock _panels;
    private readonly OperandBlock _x;
    private readonly long _rowBytes;

    public BrainCase(long length, int rows, int seed, bool extreme)
    {
        _length = ActivationRows.Padded(length);
        _panelBytes = PanelLayout.PanelBytes(ElementType.BF16, length);
        _rowBytes = ActivationRows.RowBytes(ActivationForm.BF16, length);
        _panels = new OperandBlock(2 * _panelBytes);
        _x = new OperandBlock(rows * _rowBytes);
        Random random = new(seed);
        for (long k = 0; k < length; k++)
        {
            for (int n = 0; n < Columns; n++)
            {
                *Weight(k, n) = Value(random, extreme);
            }

            for (int row = 0; row < rows; row++)
            {
                Row(row)[k] = Value(random, extreme);
            }
        }
    }

    public ProductCall Call(OperandBlock y, long stride, ulong mask)
    {
        ProductCall call = default;
        call.Codes0 = _panels.Data;
        call.Codes1 = _panels.Data + _panelBytes;
        call.X = _x.Data;
        call.Y = (float*)y.Data;
        call.YStride = stride;
        call.Mask = mask;
        return call;
    }

    /// <summary>What a kernel for the first rows may touch, and no byte more.</summary>
    public OperandMemory Memory(int rows, OperandBlock y, ProductCall* call)
    {
        OperandMemory memory = new();
        memory.Add("call", call, sizeof(ProductCall));
        memory.Add("x", _x.Data, rows * _rowBytes);
        memory.Add("panels", _panels.Data, 2 * _panelBytes);
        memory.Add("y", y.Data, ((rows - 1) * call->YStride) + (Columns * sizeof(float)), true);
        return memory;
    }

    /// <summary>Bits of the sum of pairs in order, as <c>vdpbf16ps</c> adds them.</summary>
    public uint ExpectedDot(int row, int n)
    {
        uint sum = 0;
        for (long k = 0; k < _length; k += 2)
        {
            sum = BrainArithmetic.Fma(Bits(Row(row)[k + 1]), Bits(*Weight(k + 1, n)), sum);
            sum = BrainArithmetic.Fma(Bits(Row(row)[k]), Bits(*Weight(k, n)), sum);
        }

        return sum;
    }

    /// <summary>Bits of the sum of blocks of 32, even and odd elements apart, as <c>tdpbf16ps</c> adds them.</summary>
    public uint ExpectedTiles(int row, int n)
    {
        uint sum = 0;
        for (long block = 0; block < _length; block += 32)
        {
            (uint even, uint odd) = (0, 0);
            for (long k = block; k < block + 32; k += 2)
            {
                even = BrainArithmetic.Fma(Bits(Row(row)[k]), Bits(*Weight(k, n)), even);
                odd = BrainArithmetic.Fma(Bits(Row(row)[k + 1]), Bits(*Weight(k + 1, n)), odd);
            }

            sum = BrainArithmetic.Add(sum, BrainArithmetic.Add(even, odd));
        }

        return sum;
    }

    public void Dispose()
    {
        _panels.Dispose();
        _x.Dispose();
    }

    private static uint Bits(ushort brain) => (uint)brain << 16;

    private static ushort Value(Random random, bool extreme)
    {
        int sign = random.Next(2) << 15;
        int exponent = !extreme ? random.Next(117, 128) : random.Next(8) switch
        {
            0 => 0,
            1 => random.Next(1, 8),
            2 => random.Next(120, 130),
            _ => random.Next(56, 72),
        };
        return (ushort)(sign | exponent << 7 | random.Next(128));
    }

    private ushort* Row(int row) => (ushort*)(_x.Data + (row * _rowBytes));

    private ushort* Weight(long k, int n) =>
        (ushort*)(_panels.Data + (n / PanelLayout.Columns * _panelBytes)) + (((k / 2 * PanelLayout.Columns) + (n % PanelLayout.Columns)) * 2) + (k % 2);
}
