using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>The graph of a model as a run with the usual context opens it: one sequence, steps of up to 512 tokens.</summary>
internal sealed class ModelGraph
{
    /// <summary>Entries of a page where no device says otherwise.</summary>
    public const int UsualPage = 128;

    private const int UsualContext = 4096;
    private const int LargestStep = 512;

    public ModelGraph(IModelSource model, int page, ElementType kv)
    {
        int context = Math.Min(model.Config.ContextLimit, UsualContext);
        int pages = (context + page - 1) / page;
        Kv = new KvLayout(kv, (pages + 1L) * page, page, pages);
        Maxima = new Bindings(Math.Min(LargestStep, context), (long)pages * page, 1, 1);
        Graph = Qwen3Graph.Build(model.Config, name => model.Get(name).Type, Kv);
    }

    public Graph Graph { get; }

    public Bindings Maxima { get; }

    public KvLayout Kv { get; }

    /// <summary>Comment lines that say what the symbols stand for.</summary>
    public IEnumerable<string> Legend(string title) =>
    [
        $"// {title}",
        $"// T tokens of a step (up to {Maxima.T}), N KV entries seen (up to {Maxima.N}), B sequences, R rows whose logits are wanted;",
        $"// states are the KV pool: {Kv.Slots} slots in pages of {Kv.Page}, the last page for padding; weights are named as in the file.",
    ];
}
