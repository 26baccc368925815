using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>Products with packed weights against their formula, bit for bit, in every tier that the machine has.</summary>
public sealed unsafe class PanelProductTests
{
    private const float Untouched = 77;

    public static TheoryData<ElementType> Types() => PackingTests.Types();

    [Theory]
    [MemberData(nameof(Types))]
    public void Run_gives_the_bits_of_the_formula_in_every_tier_for_any_number_of_rows_and_panels(ElementType type)
    {
        foreach ((int n, int k) in ((int, int)[])[(1, 1), (16, 2), (37, 3), (50, 1)])
        {
            int length = type.IsQuantized() ? k * type.BlockElements() : (k * 31) + 1;
            foreach (int rows in (int[])[1, 2, 4, 5, 9, 19])
            {
                Check(type, n, length, rows, Data.Floats(rows + n, rows, length).Floats());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Run_gives_NaN_for_rows_with_a_NaN_and_the_others_as_without(ElementType type)
    {
        float[] x = Data.Floats(3, 6, 256).Floats();
        (x[5], x[512 + 200], x[5 * 256]) = (float.NaN, float.PositiveInfinity, -3e38f);
        float[] y = Check(type, 20, 256, 6, x);
        Assert.All(y[..20], v => Assert.True(float.IsNaN(v)));
        Assert.All(y[40..60], v => Assert.True(!float.IsFinite(v)));
        Assert.All([.. y[20..40], .. y[60..100]], v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Run_on_tiles_gives_the_bits_of_the_formula_for_many_rows_and_leaves_few_to_the_other_way(ElementType type)
    {
        Assert.Equal(type == ElementType.BF16 || type.IsQuantized(), TileProduct.Takes(type));
        if (!TileProduct.Takes(type))
        {
            return;
        }

        int length = type.IsQuantized() ? type.BlockElements() : 70;
        foreach ((int n, int rows) in ((int, int)[])[(37, 16), (16, 17), (50, 45)])
        {
            float[] x = Data.Floats(rows + n, rows, length).Floats();
            using WorkerPool pool = new(1);
            using HostConstant constant = new("w", Weights.Make(type, 2, n, length).AsConstant());
            using PackedMatrix matrix = PackedMatrix.Pack(constant.Data, pool);
            var few = PanelProduct.Create(matrix, CpuTier.Scalar, pool.Emitted);
            TileProduct product = new(matrix, few, new InterpretedTiles(length));
            Assert.Equal(few.Form(15), product.Form(15));
            Assert.Equal(ActivationForm.BF16, product.Form(rows));
            Assert.Equal(Formula(product, matrix, x, rows, []), Multiply(product, matrix, x, rows));
            Assert.Equal(Multiply(few, matrix, x[..(15 * length)], 15), Multiply(product, matrix, x[..(15 * length)], 15));
        }
    }

    private static float[] Check(ElementType type, int n, int length, int rows, float[] x)
    {
        using WorkerPool pool = new(1);
        using HostConstant constant = new("w", Weights.Make(type, 2, n, length).AsConstant());
        using PackedMatrix matrix = PackedMatrix.Pack(constant.Data, pool);
        using EmittedKernels emitted = new();
        Dictionary<Func<PanelReader, PackedMatrix, nint, int, float>, float[]> known = [];
        float[] expected = [];
        foreach (CpuTier tier in CpuTiers.Here)
        {
            var product = PanelProduct.Create(matrix, tier, emitted);
            float[] y = Multiply(product, matrix, x, rows);
            expected = Formula(product, matrix, x, rows, known);
            for (int i = 0; i < y.Length; i++)
            {
                bool same = BitConverter.SingleToInt32Bits(y[i]) == BitConverter.SingleToInt32Bits(expected[i])
                    || (float.IsNaN(y[i]) && float.IsNaN(expected[i]));
                Assert.True(same, $"{tier} {type.Name()} [{rows}, {length}] x [{n}]: element {i} is {y[i]:R}, should be {expected[i]:R}");
            }
        }

        return expected;
    }

    /// <summary>Rows of results with room between them that must stay as it was; whole, and panel by panel.</summary>
    private static float[] Multiply(PanelProduct product, PackedMatrix matrix, float[] x, int rows)
    {
        int n = (int)matrix.Columns;
        int stride = n + 3;
        float[] whole = new float[rows * stride];
        float[] single = new float[rows * stride];
        whole.AsSpan().Fill(Untouched);
        single.AsSpan().Fill(Untouched);
        void* scratch = NativeMemory.AlignedAlloc((nuint)product.ScratchBytes + 64, 64);
        using Activations activations = new(product.Form(rows), matrix.Length, rows, x);
        fixed (float* y = whole, z = single)
        {
            product.Run(activations.Rows, 1, 0, (int)matrix.Panels, y, stride, (byte*)scratch);
            for (int panel = 0; panel < matrix.Panels; panel++)
            {
                product.Run(activations.Rows, 1, panel, 1, z + (16 * panel), stride, (byte*)scratch);
            }
        }

        NativeMemory.AlignedFree(scratch);
        Assert.Equal(whole, single);
        Assert.All(Enumerable.Range(0, whole.Length).Where(i => i % stride >= n), i => Assert.Equal(Untouched, whole[i]));
        return [.. whole.Where((_, i) => i % stride < n)];
    }

    /// <summary>All results by the formula of the product's form, which tiers that agree in it share.</summary>
    private static float[] Formula(
        PanelProduct product, PackedMatrix matrix, float[] x, int rows, Dictionary<Func<PanelReader, PackedMatrix, nint, int, float>, float[]> known)
    {
        Func<PanelReader, PackedMatrix, nint, int, float> formula = product.Form(rows) switch
        {
            ActivationForm.Int8 => Integers,
            ActivationForm.F32 => Floats,
            _ => product is TileProduct ? BrainFormulas.Tiles : BrainFormulas.Dots,
        };
        if (!known.TryGetValue(formula, out float[]? y))
        {
            PanelReader weights = new(matrix);
            using Activations activations = new(product.Form(rows), matrix.Length, rows, x);
            y = [.. from row in Enumerable.Range(0, rows) from n in Enumerable.Range(0, (int)matrix.Columns)
                select formula(weights, matrix, (nint)activations.Rows.Row(row), n)];
            known.Add(formula, y);
        }

        return y;
    }

    private static float Floats(PanelReader weights, PackedMatrix matrix, nint x, int n)
    {
        float sum = 0;
        for (long k = 0; k < matrix.Length; k++)
        {
            sum = float.MultiplyAddEstimate(((float*)x)[k], weights.Float(1, n, k), sum);
        }

        return sum;
    }

    private static float Integers(PanelReader weights, PackedMatrix matrix, nint record, int n)
    {
        byte* x = (byte*)record;
        float sum = 0;
        float* scales = (float*)(x + ActivationRows.ScalesOffset(matrix.Length));
        for (long k = 0; k < matrix.Length; k += weights.Group)
        {
            int dot = 0;
            int all = 0;
            for (long i = k; i < k + weights.Group; i++)
            {
                dot += ((sbyte*)x)[i] * (weights.Code(1, n, i) - PanelLayout.Offset(matrix.Type));
                all += ((sbyte*)x)[i];
            }

            float scale = scales[k / 32];
            sum = float.MultiplyAddEstimate(dot, weights.Step(1, n, k) * scale, sum);
            sum = matrix.Type == ElementType.Q4_K ? float.MultiplyAddEstimate(-weights.Min(1, n, k), scale * all, sum) : sum;
        }

        return sum;
    }
}
