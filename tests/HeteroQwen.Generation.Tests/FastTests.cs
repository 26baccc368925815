using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>Precision fast and caches of other types, as NMSE over all rows; the bounds are those of tests/Golden/README.md.</summary>
public sealed class FastTests
{
    [Theory]
    [InlineData("cpu", "dense-tied-f32", ElementType.F32, 1e-10)]
    [InlineData("cpu", "dense-tied-f32", null, 1e-5)]
    [InlineData("cpu", "dense-untied-f32-sharded", ElementType.F16, 1e-5)]
    [InlineData("cpu", "dense-bf16", ElementType.BF16, 3e-4)]
    [InlineData("reference", "dense-tied-f32", ElementType.F32, 1e-10)]
    [InlineData("reference", "dense-tied-f32", ElementType.F16, 1e-5)]
    [InlineData("reference", "dense-tied-f32", ElementType.BF16, 3e-4)]
    [InlineData("reference", "dense-tied-f32", ElementType.Q8_0, 1e-3)]
    [InlineData("cpu", "dense-tied-f32", ElementType.Q8_0, 1e-3)]
    public void Logits_in_fast_are_within_the_bound_of_the_caches_type(string backend, string name, ElementType? kv, double bound)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using OpenModel model = OpenModel.Golden(name, Fast(backend, kv));
        Assert.Equal(kv ?? ElementType.F16, model.Engine.KvType);
        float[][] logits = model.Logits(golden.Tokens);
        (double errors, double squares) = (0, 0);
        for (int i = 0; i < golden.Rows.Length; i++)
        {
            ReadOnlySpan<double> truth = golden.Row(i);
            for (int j = 0; j < truth.Length; j++)
            {
                errors += Math.Pow(logits[golden.Rows[i]][j] - truth[j], 2);
                squares += truth[j] * truth[j];
            }
        }

        Assert.InRange(errors / squares, 0, bound);
    }

    [Fact]
    public void Open_in_fast_takes_f32_where_attention_over_f16_would_leave_the_device()
    {
        static bool OverF16(OpDescriptor op) =>
            op.Operands.Concat(op.Results).Any(t => t.Role == TensorRole.State && t.Element == ElementType.F16);
        using OpenModel model = OpenModel.Golden("dense-tied-f32", Fast("cpu", null) with { Refuses = OverF16 });
        Assert.Equal(ElementType.F32, model.Engine.KvType);
        UserErrorException e = Assert.Throws<UserErrorException>(
            () => OpenModel.Golden("dense-tied-f32", Fast("cpu", ElementType.F16) with { Refuses = OverF16 }).Dispose());
        Assert.Contains("take --kv f32 or --kv bf16", e.Message, StringComparison.Ordinal);
    }

    private static Opening Fast(string backend, ElementType? kv) => new(backend)
    {
        Options = new() { Precision = Precision.Fast, KvType = kv, AllRows = true },
    };
}
