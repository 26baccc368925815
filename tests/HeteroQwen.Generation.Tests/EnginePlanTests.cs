using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class EnginePlanTests : IDisposable
{
    private const string Device = "chip:0";
    private static readonly Capabilities s_chip = new()
    {
        Types = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.I32],
        PageSize = 128,
    };

    private static readonly EngineOptions s_exact = new() { Precision = Precision.Exact };

    /// <summary>3 layers, hidden 64, 2 KV heads of 32, context 4096.</summary>
    private readonly HuggingFaceFolder _model = HuggingFaceFolder.Open(TestData.Path("hf/dense-tied-f32"));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Choose_by_default_takes_the_models_context_and_512_tokens()
    {
        EnginePlan plan = Choose(s_chip, s_exact);
        Assert.Equal((4096, 4096, 32), (plan.Context, plan.SequenceLimit, plan.PoolPages));
        Assert.Equal(new KvLayout(ElementType.F32, 33 * 128, 128, 32), plan.Kv);
        Assert.Equal(new Bindings(512, 4096, 1, 1), plan.Sizes.Maxima);
    }

    [Fact]
    public void Choose_with_a_context_makes_pages_for_it_and_no_larger_steps()
    {
        EnginePlan plan = Choose(s_chip, s_exact with { Context = 200, AllRows = true });
        Assert.Equal((2, 200), (plan.PoolPages, plan.SequenceLimit));
        Assert.Equal(new Bindings(200, 256, 1, 200), plan.Sizes.Maxima);
    }

    [Fact]
    public void Choose_for_several_sequences_keeps_each_within_the_models_limit()
    {
        EnginePlan plan = Choose(s_chip, s_exact with { Context = 10000, MaxSequences = 3 });
        Assert.Equal((79, 4096, 32), (plan.PoolPages, plan.SequenceLimit, plan.Kv.Pages));
        Assert.Equal(new Bindings(512, 3 * 4096, 3, 3), plan.Sizes.Maxima);
    }

    [Fact]
    public void Choose_for_a_device_that_rounds_counts_the_padding_sequence()
    {
        EnginePlan plan = Choose(s_chip with { RoundsBindings = true }, s_exact);
        Assert.Equal((2, 6144), (plan.Sizes.Maxima.B, plan.Sizes.Maxima.N));
    }

    [Fact]
    public void Choose_on_a_small_device_takes_smaller_steps_before_it_refuses()
    {
        EnginePlan large = Choose(s_chip, s_exact with { Context = 1024, AllRows = true });
        MemoryEstimate memory = new(_model, s_chip, Precision.Exact, large.Kv);
        long bytes = (long)memory.Total(large.Sizes.Maxima) - 1;
        EnginePlan smaller = Choose(s_chip with { MemoryBytes = bytes }, s_exact with { Context = 1024, AllRows = true });
        Assert.Equal((512, 256), (large.Sizes.Maxima.T, smaller.Sizes.Maxima.T));
        AssertRefused(s_chip with { MemoryBytes = 1 << 20 }, s_exact, "1048576", "KV cache", "-c", "--kv");
    }

    [Fact]
    public void Open_of_a_model_that_is_too_large_is_refused_with_needed_and_available_bytes_before_any_weight_is_made()
    {
        using IModelSource large = ModelSource.Open("random:qwen3-235b-a22b:bf16");
        Capabilities chip = s_chip with { MemoryBytes = 24L << 30 };
        UserErrorException e = Assert.Throws<UserErrorException>(() => EnginePlan.Choose(large, Device, chip, s_exact, _ => true));
        Assert.StartsWith("random:qwen3-235b-a22b:bf16 needs 47", e.Message, StringComparison.Ordinal);
        Assert.Contains($"but the device has {24L << 30}; take", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_counts_weights_that_are_expanded()
    {
        KvLayout kv = new(ElementType.F32, 256, 128, 1);
        using HuggingFaceFolder half = HuggingFaceFolder.Open(TestData.Path("hf/dense-bf16"));
        Int128 stored = new MemoryEstimate(half, s_chip, Precision.Exact, kv).Weights;
        Int128 expanded = new MemoryEstimate(half, s_chip with { Types = [ElementType.F32, ElementType.I32] }, Precision.Exact, kv).Weights;
        Assert.Equal(2 * stored, expanded);
    }

    [Theory]
    [InlineData(Precision.Exact, ElementType.F32)]
    [InlineData(Precision.Fast, ElementType.F16)]
    public void Choose_takes_the_cache_type_by_precision(Precision precision, ElementType expected) =>
        Assert.Equal(expected, Choose(s_chip, new() { Precision = precision }).Kv.Type);

    [Fact]
    public void Choose_in_fast_without_f16_takes_f32()
    {
        Capabilities single = s_chip with { Types = [ElementType.F32, ElementType.I32] };
        Assert.Equal(ElementType.F32, Choose(single, new() { Precision = Precision.Fast }).Kv.Type);
    }

    [Fact]
    public void Choose_refuses_what_cannot_be_and_names_the_cure()
    {
        AssertRefused(s_chip, s_exact with { KvType = ElementType.Q8_0 }, "q8_0", "--kv f32 or --kv f16");
        AssertRefused(s_chip, s_exact with { KvType = ElementType.Q4_K }, "q4_k", "--kv f32");
        AssertRefused(s_chip, s_exact with { Context = 0 }, "0", "-c");
        AssertRefused(s_chip, s_exact with { Context = int.MaxValue }, "2147483647", "-c");
        AssertRefused(s_chip, s_exact with { MaxSequences = 0 }, "0", "512");
    }

    private EnginePlan Choose(Capabilities capabilities, EngineOptions options) =>
        EnginePlan.Choose(_model, Device, capabilities, options, capabilities.Types.Contains);

    private void AssertRefused(Capabilities capabilities, EngineOptions options, params string[] words)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => Choose(capabilities, options));
        Assert.All(words, w => Assert.Contains(w, e.Message, StringComparison.Ordinal));
    }
}
