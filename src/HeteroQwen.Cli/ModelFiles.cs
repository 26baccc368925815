using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>Opens what <c>-m MODEL</c> names.</summary>
internal static class ModelFiles
{
    public const string Default = "tiny";

    /// <summary>Opens configuration and weights, and says on standard error what was ignored in them.</summary>
    /// <exception cref="UserErrorException">There is no such model, or something in it is missing or wrong.</exception>
    public static IModelSource Open(string name)
    {
        IModelSource model = ModelSource.Open(name);
        foreach (string warning in model.Warnings)
        {
            Terminal.Note($"warning: {warning}");
        }

        return model;
    }
}
