using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>
/// Runs an op on the CPU backend with 1, 2, 3 and 5 threads, split as finely as it can be, and in place where the kernel allows it;
/// all must agree bit for bit, and with the reference backend within a tolerance. Its tier is the best whose rows depend on no others.
/// </summary>
internal static class Against
{
    private const double Subnormal = 1e-43;

    private static readonly Lock s_lock = new();
    private static readonly IDevice s_reference = OpenReference();
    private static readonly CpuTier s_invariant = CpuTiers.Here.First(t => t != CpuTier.Amx);
    private static readonly CpuDevice[] s_devices = [.. new[] { 1, 2, 3, 5 }.Select(n => new CpuDevice(n, s_invariant, smallestShare: 1))];
    private static readonly CpuDevice[] s_others = [.. CpuTiers.Here.Where(t => t != s_invariant).Select(t => new CpuDevice(2, t, smallestShare: 1))];

    /// <summary>Asserts equal bits; any NaN equals any other, and -0 counts as 0.</summary>
    public static void Exact(OpDefinition op, TestTensor[] operands, Attributes? attributes = null, Bindings bindings = default) =>
        Reference(op, operands, operands, 0, attributes, bindings);

    /// <summary>
    /// Asserts |error| at most tolerance times (|value| + the rms of the result), and 1e-43 more: what is lost below the normal range.
    /// </summary>
    public static void Bounded(
        OpDefinition op, TestTensor[] operands, double tolerance, Attributes? attributes = null, Bindings bindings = default) =>
        Reference(op, operands, operands, tolerance, attributes, bindings);

    /// <summary>The reference on the operands as they are, the CPU backend on them in other layouts.</summary>
    public static void Strided(
        OpDefinition op, TestTensor[] operands, Func<int, bool> isStrided, double tolerance, Attributes? attributes = null)
    {
        foreach (Func<TestTensor, TestTensor> lay in (Func<TestTensor, TestTensor>[])[Data.WithGaps, Data.Transposed])
        {
            Reference(op, operands, [.. operands.Select((o, i) => isStrided(i) ? lay(o) : o)], tolerance, attributes, default);
        }
    }

    /// <summary>Results of the CPU backend in exact, the same for any number of threads, and in fast unless it packs weights.</summary>
    public static TestTensor[] Cpu(OpDefinition op, TestTensor[] operands, Attributes? attributes = null, Bindings bindings = default)
    {
        OpDescriptor fast = OpRunner.Describe(op, operands, attributes ?? Attributes.Empty, bindings, Precision.Fast);
        bool packs = Enumerable.Range(0, operands.Length).Any(i => KernelTable.Packs(fast, i));
        lock (s_lock)
        {
            TestTensor[] first = OpRunner.Run(s_devices[0], op, operands, attributes, bindings);
            foreach (CpuDevice device in s_devices)
            {
                TestTensor[] inPlace = OpRunner.Run(device, op, operands, attributes, bindings, inPlace: true);
                AssertSameBits(first, inPlace, $"{device.Pool.Threads} threads in place");
                TestTensor[] other = packs ? first : OpRunner.Run(device, op, operands, attributes, bindings, Precision.Fast);
                AssertSameBits(first, other, $"{device.Pool.Threads} threads");
            }

            return first;
        }
    }

    /// <summary>
    /// Results of a kernel that packs weights, in fast, the same for any number of threads and in place; asserts that their NMSE against
    /// the reference's opened form, and that of every other tier that runs here, is at most <paramref name="nmse"/>.
    /// </summary>
    public static TestTensor[] Packed(OpDefinition op, TestTensor[] operands, double nmse, Attributes attributes, Bindings bindings = default)
    {
        TestTensor[] found = Fast(op, operands, attributes, bindings);
        lock (s_lock)
        {
            TestTensor[] expected = GraphInterpreter.RunDecomposition(s_reference, op, operands, attributes, bindings);
            AssertNear(expected, found, nmse, $"{op.Name}, {s_invariant}");
            foreach (CpuDevice device in s_others)
            {
                TestTensor[] other = OpRunner.Run(device, op, operands, attributes, bindings, Precision.Fast);
                AssertNear(expected, other, nmse, $"{op.Name}, {device.Tier}");
            }
        }

        return found;
    }

    /// <summary>Asserts that a block has the bits of its opened form, whose ops run one by one in fast.</summary>
    public static void Opened(OpDefinition op, TestTensor[] operands, Attributes attributes, Bindings bindings = default)
    {
        TestTensor[] found = Fast(op, operands, attributes, bindings);
        lock (s_lock)
        {
            AssertSameBits(
                GraphInterpreter.RunDecomposition(s_devices[0], op, operands, attributes, bindings, Precision.Fast), found, "blocks opened");
        }
    }

    /// <summary>Results of a kernel in fast, the same for any number of threads and in place.</summary>
    public static TestTensor[] Fast(OpDefinition op, TestTensor[] operands, Attributes attributes, Bindings bindings = default)
    {
        lock (s_lock)
        {
            TestTensor[] first = OpRunner.Run(s_devices[0], op, operands, attributes, bindings, Precision.Fast);
            foreach (CpuDevice device in s_devices)
            {
                TestTensor[] inPlace = OpRunner.Run(device, op, operands, attributes, bindings, Precision.Fast, inPlace: true);
                AssertSameBits(first, inPlace, $"{device.Pool.Threads} threads");
            }

            return first;
        }
    }

    /// <summary>Results of the reference backend.</summary>
    public static TestTensor[] Expected(OpDefinition op, TestTensor[] operands, Attributes? attributes = null, Bindings bindings = default)
    {
        lock (s_lock)
        {
            return OpRunner.Run(s_reference, op, operands, attributes, bindings);
        }
    }

    private static void Reference(
        OpDefinition op, TestTensor[] operands, TestTensor[] laid, double tolerance, Attributes? attributes, Bindings bindings)
    {
        TestTensor[] found = Cpu(op, laid, attributes, bindings);
        TestTensor[] expected = Expected(op, operands, attributes, bindings);
        for (int r = 0; r < expected.Length; r++)
        {
            AssertClose(expected[r], found[r], tolerance, $"result {r} of {op.Name}");
        }
    }

    private static void AssertNear(TestTensor[] expected, TestTensor[] found, double nmse, string what)
    {
        for (int r = 0; r < expected.Length; r++)
        {
            (float[] wanted, float[] got) = (expected[r].Floats(), found[r].Floats());
            double errors = wanted.Zip(got, (w, g) => Math.Pow((double)w - g, 2)).Sum();
            double error = errors / wanted.Sum(w => (double)w * w);
            Assert.True(error <= nmse, $"result {r} of {what}: NMSE {error:g3} where {nmse:g3} is the most");
        }
    }

    private static void AssertClose(TestTensor expected, TestTensor found, double tolerance, string what)
    {
        Assert.Equal(expected.Element, found.Element);
        if (!expected.Element.IsFloat())
        {
            Assert.Equal(expected.Data, found.Data);
            return;
        }

        (float[] wanted, float[] got) = (expected.Floats(), found.Floats());
        double rms = Math.Sqrt(wanted.Where(float.IsFinite).Select(w => (double)w * w).DefaultIfEmpty().Average());
        for (int i = 0; i < wanted.Length; i++)
        {
            bool close = wanted[i].Equals(got[i]) || wanted[i] == got[i]
                || Math.Abs((double)wanted[i] - got[i]) <= (tolerance * (Math.Abs((double)wanted[i]) + rms)) + Subnormal && tolerance > 0;
            Assert.True(close, $"{what}: element {i} is {got[i]:R} and should be {wanted[i]:R}; rms {rms}");
        }
    }

    private static void AssertSameBits(TestTensor[] first, TestTensor[] other, string what)
    {
        for (int r = 0; r < first.Length; r++)
        {
            Assert.True(first[r].Data.AsSpan().SequenceEqual(other[r].Data), $"result {r} has other bits with {what}");
        }
    }

    private static IDevice OpenReference()
    {
        OpRunner.Check("open", new ReferenceBackend().Open(0, Attributes.Empty, out IDevice? device));
        return device!;
    }
}
