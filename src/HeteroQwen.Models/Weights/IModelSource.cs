using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A model that is open: its configuration and the constants that its graph names. The bytes of <see cref="Get"/> stay valid
/// until the source is disposed.
/// </summary>
public interface IModelSource : IDisposable
{
    /// <summary>What to call the model in tables: its folder's or file's name.</summary>
    string Name { get; }

    Qwen3Config Config { get; }

    /// <summary>How the model's makers want tokens chosen.</summary>
    GenerationConfig Generation { get; }

    /// <summary>Its tokenizer and chat template; to be asked while the source is open.</summary>
    ModelText Text { get; }

    /// <summary>Exactly the names of <see cref="Qwen3Tensors.Expected"/>.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>Sentences about what was ignored although it may matter.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>The constant of this name, with the shape that <see cref="Qwen3Tensors.Expected"/> gives it.</summary>
    /// <remarks>
    /// Ranges may start at any address, aligned to nothing, because a file's header has any length; who reads them copes.
    /// The file is mapped, not read: should another program make it shorter while the source is open, the operating system
    /// ends this process at the first read beyond the new end. Who replaces a model's file renames a new one over it.
    /// </remarks>
    /// <exception cref="ArgumentException">The model has no such constant.</exception>
    ConstantData Get(string constantName);

    /// <summary>
    /// Gives back the memory that reading a constant took, for one that is read no more or only in part: a page of its bytes, which
    /// stay valid, is read from the file again when it is touched. Returns the bytes of the pages; 0 where there is nothing to give back.
    /// </summary>
    /// <exception cref="ArgumentException">The model has no such constant.</exception>
    long Release(string constantName);
}
