using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>A trained model in fewer bits still says nearly what it said.</summary>
public sealed class QuantizedFileTests
{
    private const string Text = "<|im_start|>user\nWhat is 47 + 85?<|im_end|>\n<|im_start|>assistant\n";

    [Theory]
    [InlineData("tiny", "f32", 0)]
    [InlineData("tiny", "f16", 1e-5)]
    [InlineData("tiny", "bf16", 0)]
    [InlineData("tiny", "q8_0", 1e-3)]
    [InlineData("tiny", "q6_k", 1e-2)]
    [InlineData("tiny", "q4_k_m", 5e-2)]
    [InlineData("tiny", "q4_0", 5e-2)]
    [InlineData("tiny-moe", "q8_0", 1e-3)]
    public void Logits_of_the_written_file_are_near_those_of_the_model(string name, string type, double bound)
    {
        using TempFolder folder = new();
        string path = folder.File("x.gguf");
        using IModelSource original = ModelSource.Open(name);
        QuantizationPlan plan = QuantizationPlan.Create(original, type);
        Quantizer.Write(plan, path, overwrite: false, threads: 2, _ => { }, TestContext.Current.CancellationToken);
        int[] tokens = original.Text.RequireTokenizer().Encode(Text, allowSpecial: true);
        using OpenModel before = new(name, new("cpu"));
        using OpenModel after = new(path, new("cpu"));
        double nmse = Nmse(before.Logits(tokens), after.Logits(tokens));
        Assert.True(nmse <= bound, $"NMSE {nmse:E2}, beyond {bound:E0}");
        Assert.Equal(bound == 0, nmse == 0);
    }

    private static double Nmse(float[][] truth, float[][] rows) =>
        truth.Zip(rows).Sum(r => r.First.Zip(r.Second, (a, b) => ((double)a - b) * ((double)a - b)).Sum())
        / truth.Sum(r => r.Sum(a => (double)a * a));
}
