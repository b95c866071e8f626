// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "./IPayments.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// @title Shares of models and their earnings
/// @notice A model is one ERC-1155 id with `TOTAL` shares. All shares are minted with the model, and no more
/// are ever minted. Shares are transferred like any ERC-1155 token. The earnings of a model are divided among
/// its shares. When a share is transferred, the earnings that its holder has not collected go with it.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no minter. Anyone may create a
/// model, and its `source` is the creator. Models of different sources never have the same id. A root does
/// not identify a model: anyone can create another model with the same root. A model whose source is the Jobs
/// contract has a claim that stood in Disputes, but its requester chose the terms and the price, may have
/// paid itself, and can choose terms that say nothing about training. So a model is worth what its job is
/// worth: `key` is the number of the job, which names the requester, the price and the terms. Compare them
/// with the requester and the run that you know.
interface IOwnership is IERC1155 {
    /// @notice What is stored of a model.
    /// @param source The creator. It has no power over the model.
    /// @param token The currency of the earnings: an ERC-20, or zero for the chain's coin.
    /// @param key The source's own number for the model. Jobs uses the number of the job.
    /// @param root Checkpoint root of the model. Other models may have the same root.
    struct Model {
        address source;
        address token;
        bytes32 key;
        bytes32 root;
    }

    /// @notice A model and all of its shares were created.
    event Created(
        uint256 indexed model, address indexed source, bytes32 indexed root, bytes32 key, address token
    );
    /// @notice `from` paid earnings to the model.
    event Earned(uint256 indexed model, address indexed from, uint256 amount);
    /// @notice The earnings of a holder's shares became its credit in Payments.
    event Collected(uint256 indexed model, address indexed holder, uint256 amount);

    /// @notice The source has already created a model with this key.
    error Exists(uint256 model);
    /// @notice The shares do not add up to `TOTAL`, a share is zero, or the numbers of shares and holders
    /// differ.
    error BadShares();
    /// @notice There is no such model.
    error NoModel(uint256 model);
    /// @notice The holder has no earnings to collect.
    error NothingToCollect();
    /// @notice A model cannot earn more than about 3 * 10^38 of the token's smallest unit in total.
    error TooMuch();

    /// @notice The number of shares of every model.
    function TOTAL() external view returns (uint256);
    /// @notice The contract that holds the money.
    function payments() external view returns (IPayments);

    /// @notice Creates a model with the id `idOf(caller, key)` and all of its shares.
    /// @param key The caller's number for the model, a different one for each model.
    /// @param root Checkpoint root of the model.
    /// @param token The currency of the earnings.
    /// @param holders The first holders. A contract gets its shares without the ERC-1155 receiver check.
    /// @param shares The shares of each holder, which add up to `TOTAL`.
    function create(
        bytes32 key,
        bytes32 root,
        address token,
        address[] calldata holders,
        uint256[] calldata shares
    ) external returns (uint256 model);

    /// @notice Transfers shares of the caller. Unlike `safeTransferFrom`, it makes no ERC-1155 receiver
    /// check.
    function transfer(address to, uint256 model, uint256 shares) external;

    /// @notice Pays earnings to the model. Coin comes with the call; a token is taken by the caller's
    /// approval of this contract. The remainder of the division by `TOTAL` is kept and divided with the next
    /// payment.
    function earn(uint256 model, uint256 amount) external payable;

    /// @notice Anyone: moves the earnings of a holder's shares to the holder's credit in Payments.
    function collect(uint256 model, address holder) external returns (uint256 amount);

    /// @notice The amount that `collect` would move.
    function earnedBy(uint256 model, address holder) external view returns (uint256);

    /// @notice A model; all zero if there is none.
    function modelOf(uint256 model) external view returns (Model memory);

    /// @notice The id of a source's model.
    function idOf(address source, bytes32 key) external pure returns (uint256);
}
