using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

/// <summary>Short ways to run ops on the reference device and to compare results.</summary>
internal static class Reference
{
    public static IDevice Open()
    {
        Status status = new ReferenceBackend().Open(0, Attributes.Empty, out IDevice? device);
        Assert.True(status.IsOk, status.Message);
        return device!;
    }

    public static TestTensor[] Run(OpDefinition op, Attributes attributes, Bindings bindings, params TestTensor[] operands)
    {
        using IDevice device = Open();
        return OpRunner.Run(device, op, operands, attributes, bindings);
    }

    public static TestTensor[] Run(OpDefinition op, Attributes attributes, params TestTensor[] operands) =>
        Run(op, attributes, default, operands);

    public static float[] Floats(OpDefinition op, Attributes attributes, params TestTensor[] operands) =>
        Run(op, attributes, operands)[0].Floats();

    /// <summary>The sentence with which a launch is refused.</summary>
    public static string Refusal(OpDefinition op, Attributes attributes, Bindings bindings, params TestTensor[] operands)
    {
        StatusException e = Assert.Throws<StatusException>(() => Run(op, attributes, bindings, operands));
        Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
        return e.Status.Message!;
    }

    /// <summary>Values in -1 .. 1 times a scale, with all bits of f32 in use.</summary>
    public static float[] Random(int seed, int count, double scale = 1)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(((random.NextDouble() * 2) - 1) * scale))];
    }

    /// <summary>Each value is the f64 expectation rounded to f32, give or take the order of its sum.</summary>
    public static void AssertRounded(IReadOnlyList<double> expected, float[] actual)
    {
        Assert.Equal(expected.Count, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            double bound = 6.0e-8 * Math.Abs(expected[i]);
            bool equal = (float)expected[i] == actual[i] || (double.IsNaN(expected[i]) && float.IsNaN(actual[i]));
            Assert.True(equal || Math.Abs(expected[i] - actual[i]) <= bound, $"element {i}: {expected[i]:R} expected, {actual[i]:R} found");
        }
    }

    /// <summary>Rows agree to a fraction of their largest element.</summary>
    public static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double bound = tolerance * expected.Max(Math.Abs);
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= bound, $"element {i}: {expected[i]:R} expected, {actual[i]:R} found");
        }
    }
}
