using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli.Bench;

/// <summary>What rows say of a model.</summary>
/// <param name="FileName">What <c>-m</c> says.</param>
/// <param name="Name">What to call it in a table.</param>
/// <param name="Kind">Such as <c>qwen3</c> or <c>qwen3moe</c>.</param>
/// <param name="Types">Types of its matrices, the one with the most bytes first, those with less than a hundredth left out.</param>
/// <param name="Bytes">Of all weights.</param>
/// <param name="Parameters">Of all weights.</param>
internal sealed record BenchModel(string FileName, string Name, string Kind, string Types, long Bytes, long Parameters)
{
    public static BenchModel Of(string fileName, IModelSource model)
    {
        ConstantData[] weights = [.. model.Names.Select(model.Get)];
        long matrices = weights.Where(w => w.Shape.Length > 1).Sum(w => w.Bytes);
        IEnumerable<string> types = weights.Where(w => w.Shape.Length > 1).GroupBy(w => w.Type)
            .Select(g => (Type: g.Key, Bytes: g.Sum(w => w.Bytes))).Where(t => t.Bytes >= matrices / 100)
            .OrderByDescending(t => t.Bytes).Select(t => t.Type.Name());
        return new(
            fileName, model.Name, model.Config.IsMoe ? "qwen3moe" : "qwen3", string.Join('+', types), weights.Sum(w => w.Bytes),
            weights.Sum(w => w.Shape.Aggregate(1L, (product, dim) => product * dim)));
    }
}
